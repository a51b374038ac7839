/** Hill climbing on the order in which blocks are placed: for arenas of several pages, where the canonical search ends. */
import type { Block } from "./liveness.ts";
import type { Fit, Placement } from "./place.ts";
import { orderBy, size } from "./preferences.ts";
import { seededRandom } from "./random.ts";

/** Blocks looked at in all. */
const workLimit = 2e7;

/** Moves blocks to other places of the order, those that lie high more often, and keeps what does no harm. */
export function climb(
  blocks: readonly Block[],
  place: (order: readonly number[], fit: Fit) => Placement,
  from: Placement,
  bound: number,
): Placement {
  const random = seededRandom(blocks.length);
  const pick = (n: number) => Math.floor(random() * n);
  let order = orderBy(blocks, size);
  let current = place(order, "first");
  let best = current.bytes < from.bytes ? current : from;
  const trials = Math.min(50 * blocks.length, Math.floor(workLimit / blocks.length ** 2));
  for (let t = 0; t < trials && best.bytes > bound; t++) {
    const [a, b] = [pick(order.length), pick(order.length)];
    const top = (i: number) => current.offsets[order[i]] + blocks[order[i]].size;
    const higher = top(a) > top(b) ? a : b;
    const moved = order.toSpliced(higher, 1).toSpliced(pick(higher + 1), 0, order[higher]);
    const placement = place(moved, "first");
    if (placement.bytes > current.bytes) continue;
    order = moved;
    current = placement;
    if (current.bytes < best.bytes) best = current;
  }
  return best;
}
