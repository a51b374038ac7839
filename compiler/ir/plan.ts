/** The `plan` stage: kernels in order, every value at an offset. `kiln inspect --stage plan --format json` prints it. */
import type { Kernel } from "./kernel.ts";
import type { Value } from "./types.ts";

/** A value in the arena; it lives over dispatches start <= i < end. Offsets count in one address range: arena k begins
 * where arena k-1 ends. Size is rounded up to 256 bytes. */
export interface PlanBuffer {
  readonly value: Value;
  readonly offset: number;
  readonly size: number;
  readonly start: number;
  readonly end: number;
}

export interface PlanDispatch {
  readonly kernel: Kernel;
  readonly reads: readonly Value[];
  readonly writes: readonly Value[];
}

export interface Plan {
  readonly buffers: readonly PlanBuffer[];
  /** Bytes of each GPU buffer of the arena. */
  readonly arenas: readonly number[];
  readonly arenaBytes: number;
  /** Greatest sum of live sizes (rounded to 256) at one dispatch; a value written in place of another counts once. */
  readonly lowerBoundBytes: number;
  /** Parameters, velocities, statistics. */
  readonly persistentBytes: number;
  readonly dispatches: readonly PlanDispatch[];
}
