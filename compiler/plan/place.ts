/**
 * Places blocks one after another, in an order that others choose.
 *
 * Offsets lie in pages of `page` bytes, one GPU buffer each, and no block straddles two. What is left over at the end of
 * a page is cut off afterwards (arenas.ts), so a placement costs the sum of what its pages use.
 */
import type { Block } from "./liveness.ts";

export interface Placement {
  /** By block. */
  readonly offsets: readonly number[];
  readonly bytes: number;
}

export type Fit = "first" | "best";

/** A function that places the blocks in a given order, each in the first gap, or the smallest, that holds it. */
export function placer(blocks: readonly Block[], page: number): (order: readonly number[], fit: Fit) => Placement {
  const count = blocks.length;
  const start = Float64Array.from(blocks, (b) => b.start);
  const end = Float64Array.from(blocks, (b) => b.end);
  const size = Float64Array.from(blocks, (b) => b.size);
  const alignment = Float64Array.from(blocks, (b) => b.alignment ?? 1);
  const offset = new Float64Array(count);
  /** Placed blocks by offset, as a linked list; `count` is its end. */
  const next = new Int32Array(count + 1);

  /** The lowest offset from `from` on that suits block b and at which it fits into one page. */
  const fitted = (from: number, b: number): number => {
    const at = alignment[b] === 1 ? from : Math.ceil(from / alignment[b]) * alignment[b];
    const room = page - (at % page);
    return size[b] <= room ? at : at + room;
  };

  return (order, fit) => {
    let first = count;
    for (const b of order) {
      let cursor = 0;
      let found = -1;
      let smallest = Number.POSITIVE_INFINITY;
      for (let p = first; p !== count; p = next[p]) {
        if (start[p] >= end[b] || end[p] <= start[b]) continue;
        const at = fitted(cursor, b);
        const gap = offset[p] - cursor;
        if (offset[p] >= at + size[b] && gap < smallest) {
          found = at;
          smallest = gap;
          if (fit === "first") break;
        }
        cursor = Math.max(cursor, offset[p] + size[p]);
      }
      offset[b] = found < 0 ? fitted(cursor, b) : found;
      let before = -1;
      let p = first;
      while (p !== count && offset[p] <= offset[b]) {
        before = p;
        p = next[p];
      }
      next[b] = p;
      if (before < 0) first = b;
      else next[before] = b;
    }
    return { offsets: Array.from(offset), bytes: pageBytes(blocks, offset, page).reduce((a, u) => a + u, 0) };
  };
}

/** Bytes that each page uses, from its start to the end of its last block. */
export function pageBytes(blocks: readonly Block[], offsets: ArrayLike<number>, page: number): number[] {
  const used: number[] = [];
  blocks.forEach(({ size }, b) => {
    const p = Math.floor(offsets[b] / page);
    while (used.length <= p) used.push(0);
    used[p] = Math.max(used[p], offsets[b] - p * page + size);
  });
  return used;
}
