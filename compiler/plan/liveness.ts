/**
 * Lifetimes of the arena's values under an order of kernels, and the blocks that are to be placed: a value alone, or a
 * chain of values each written in the place of the one before.
 */
import type { Dataflow } from "./dataflow.ts";

/** So many bytes over dispatches start <= i < end; to be placed at one offset. */
export interface Block {
  readonly start: number;
  readonly end: number;
  readonly size: number;
  /** Its offset is a multiple of this; 1 where not given. */
  readonly alignment?: number;
}

/** A block of a plan: its values by number, in the order in which they take the place. */
export interface ValueBlock extends Block {
  readonly values: readonly number[];
}

export interface Liveness {
  /** By value: it lives over dispatches start <= i < end. */
  readonly start: readonly number[];
  readonly end: readonly number[];
  readonly blocks: readonly ValueBlock[];
}

/** Lifetimes and blocks where the kernels run in `order` (numbers of kernels; as they stand where not given). */
export function liveness(flow: Dataflow, order: readonly number[] = flow.steps.map((_, k) => k)): Liveness {
  const position: number[] = [];
  order.forEach((k, i) => {
    position[k] = i;
  });
  flow.before.forEach((earlier, k) => {
    for (const e of earlier) {
      if (position[e] > position[k]) {
        throw new Error(`plan: ${flow.steps[k].name} runs before ${flow.steps[e].name}, which must come first`);
      }
    }
  });
  const last = Math.max(1, order.length);
  const start = flow.writer.map((k) => (k < 0 ? 0 : position[k]));
  const end = flow.readers.map((readers, v) =>
    flow.kept[v] ? last : readers.reduce((e, k) => Math.max(e, position[k] + 1), start[v] + 1),
  );

  const takenBy = new Map<number, number>();
  const takes = new Set<number>();
  for (const k of order) {
    for (const [written, read] of flow.pairs[k]) {
      const dies = !flow.kept[read] && end[read] === position[k] + 1;
      if (!dies || takenBy.has(read) || takes.has(written)) continue;
      takenBy.set(read, written);
      takes.add(written);
    }
  }
  const blocks: ValueBlock[] = [];
  flow.values.forEach((_, head) => {
    if (takes.has(head)) return;
    const chain = [head];
    for (let next = takenBy.get(head); next !== undefined; next = takenBy.get(next)) chain.push(next);
    blocks.push({ start: start[head], end: end[chain[chain.length - 1]], size: flow.sizes[head], values: chain });
  });
  return { start, end, blocks };
}

/** Greatest sum of sizes at one moment: no placement takes less. */
export function lowerBound(blocks: readonly Block[]): number {
  const change = new Map<number, number>();
  for (const { start, end, size } of blocks) {
    change.set(start, (change.get(start) ?? 0) + size);
    change.set(end, (change.get(end) ?? 0) - size);
  }
  let live = 0;
  let most = 0;
  for (const time of [...change.keys()].sort((a, b) => a - b)) {
    live += change.get(time)!;
    most = Math.max(most, live);
  }
  return most;
}
