/** Orders in which blocks are placed. */
import type { Block } from "./liveness.ts";

type Key = (block: Block, index: number) => number;

/** Numbers of the blocks, largest first by the first key, then the next. */
export function orderBy(blocks: readonly Block[], ...keys: readonly Key[]): number[] {
  const ranked = blocks.map((block, b) => ({ b, keys: keys.map((key) => key(block, b)) }));
  ranked.sort((x, y) => {
    for (let k = 0; k < keys.length; k++) if (x.keys[k] !== y.keys[k]) return y.keys[k] - x.keys[k];
    return x.b - y.b;
  });
  return ranked.map(({ b }) => b);
}

export const size: Key = (block) => block.size;
export const width: Key = (block) => block.end - block.start;
export const area: Key = (block) => block.size * (block.end - block.start);
export const earliest: Key = (block) => -block.start;

/** The greatest sum of sizes that is live at a moment of the block. */
export function crowd(blocks: readonly Block[]): Key {
  const times = [...new Set(blocks.map((b) => b.start))].sort((a, b) => a - b);
  const live = times.map((t) => blocks.reduce((sum, b) => (b.start <= t && t < b.end ? sum + b.size : sum), 0));
  // Sums grow at starts alone, so it is enough to look at those, and at the block's own.
  const most = blocks.map((block) =>
    times.reduce((m, t, i) => (block.start <= t && t < block.end ? Math.max(m, live[i]) : m), 0),
  );
  return (_, b) => most[b];
}
