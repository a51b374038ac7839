/** Blocks over sections of time: the spans between which nothing starts or ends. */
import type { Block } from "./liveness.ts";

export class Sections {
  readonly count: number;
  /** By block: it covers the sections from <= s < to. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** By section: the blocks that cover it. */
  readonly covering: readonly Int32Array[];
  /** By block: the others that share a section with it. */
  readonly overlapping: readonly Int32Array[];

  constructor(blocks: readonly Block[]) {
    const times = [...new Set(blocks.flatMap((b) => [b.start, b.end]))].sort((a, b) => a - b);
    const sectionAt = new Map(times.map((time, s) => [time, s]));
    this.count = Math.max(0, times.length - 1);
    this.from = Int32Array.from(blocks, (b) => sectionAt.get(b.start)!);
    this.to = Int32Array.from(blocks, (b) => sectionAt.get(b.end)!);
    const covering: number[][] = Array.from({ length: this.count }, () => []);
    for (let b = 0; b < blocks.length; b++) {
      for (let s = this.from[b]; s < this.to[b]; s++) covering[s].push(b);
    }
    const overlapping: number[][] = blocks.map(() => []);
    // By start: of those that came before, the ones that have not ended overlap.
    const byStart = blocks.map((_, b) => b).sort((a, b) => this.from[a] - this.from[b]);
    let open: number[] = [];
    for (const b of byStart) {
      open = open.filter((a) => this.to[a] > this.from[b]);
      for (const a of open) {
        overlapping[a].push(b);
        overlapping[b].push(a);
      }
      open.push(b);
    }
    this.covering = covering.map((live) => Int32Array.from(live));
    this.overlapping = overlapping.map((others) => Int32Array.from(others));
  }
}
