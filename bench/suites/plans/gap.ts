/** Why a plan takes more than its lower bound. */

import type { Plan, PlanBuffer } from "../../../compiler/ir/plan.ts";
import { textureBytes } from "../../../runtime/program/texture.ts";

export interface Gap {
  /** What the arena takes over the most that is alive in it at once: values lie so that room is left between them. */
  readonly packingBytes: number;
  /**
   * The rest: GPU textures and arena cannot take each other's place, nor a small texture a large one's, but the bound
   * counts what is alive at one moment, wherever it is.
   */
  readonly textureBytes: number;
}

/** The two parts of what a plan takes over its bound; neither is negative. */
export function gapOf({ buffers, arenas, arenaBytes, gpuTextures, lowerBoundBytes, dispatches }: Plan): Gap {
  const inArena = arenas.reduce((sum, bytes) => sum + bytes, 0);
  const inTextures = gpuTextures.reduce((sum, extent) => sum + textureBytes(extent), 0);
  if (inArena + inTextures !== arenaBytes)
    throw new Error(`a plan of ${arenaBytes} bytes has ${inArena} in its arena and ${inTextures} in textures`);
  const least = mostOccupied(buffers, Math.max(1, dispatches.length));
  return { packingBytes: inArena - least, textureBytes: least + inTextures - lowerBoundBytes };
}

/** Bytes of the arena that values lie on, at the step where they are most. What is written in place of another counts once. */
function mostOccupied(buffers: readonly PlanBuffer[], steps: number): number {
  const byOffset = [...buffers].sort((a, b) => a.offset - b.offset);
  let most = 0;
  for (let step = 0; step < steps; step++) {
    let [bytes, free] = [0, 0];
    for (const { offset, size, start, end } of byOffset) {
      if (step < start || step >= end) continue;
      bytes += Math.max(0, offset + size - Math.max(offset, free));
      free = Math.max(free, offset + size);
    }
    most = Math.max(most, bytes);
  }
  return most;
}
