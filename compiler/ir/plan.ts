/** The `plan` stage: kernels in order, every value at an offset. `kiln inspect --stage plan --format json` prints it. */
import type { TextureExtent } from "../../runtime/program/texture.ts";
import type { Kernel } from "./kernel.ts";
import type { Value } from "./types.ts";

/** A value in the arena; it lives over steps (`Plan.dispatches`) start <= i < end. Offsets count in one address range: arena k begins
 * where arena k-1 ends. Size is rounded up to 256 bytes. A part of a value has a buffer inside the whole's, as long as that lives. */
export interface PlanBuffer {
  readonly value: Value;
  readonly offset: number;
  readonly size: number;
  readonly start: number;
  readonly end: number;
}

/** A copy of a value in a texture, for kernels that read it over and over; it lives over steps start <= i < end. */
export interface PlanTexture {
  /** The copy: a value of its own, so that plans can name it. */
  readonly value: Value;
  readonly source: Value;
  /** Which of `Plan.gpuTextures` it is in. */
  readonly gpuTexture: number;
  /** Bytes of its rows of texels. */
  readonly size: number;
  readonly start: number;
  readonly end: number;
}

/** A kernel's run. It reads copies in textures by their own values. */
export interface PlanDispatch {
  readonly kernel: Kernel;
  readonly reads: readonly Value[];
  readonly writes: readonly Value[];
}

/** Fills a texture: reads the source, writes the copy. */
export interface PlanCopy {
  readonly kernel?: undefined;
  readonly reads: readonly [source: Value];
  readonly writes: readonly [copy: Value];
}

export interface Plan {
  readonly buffers: readonly PlanBuffer[];
  readonly textures: readonly PlanTexture[];
  /** Bytes of each GPU buffer of the arena. */
  readonly arenas: readonly number[];
  /** Copies that do not live together share one. */
  readonly gpuTextures: readonly TextureExtent[];
  /** Of the arena's GPU buffers and of the GPU textures. */
  readonly arenaBytes: number;
  /** Greatest sum of live sizes, textures too, at one dispatch; a value written in place of another counts once. */
  readonly lowerBoundBytes: number;
  /** Parameters, velocities, statistics. */
  readonly persistentBytes: number;
  /** In order; lifetimes count these. */
  readonly dispatches: readonly (PlanDispatch | PlanCopy)[];
}

/** A step's name for people. */
export const stepName = ({ kernel, reads }: PlanDispatch | PlanCopy): string =>
  kernel ? kernel.name : `copy of %${reads[0].name}`;
