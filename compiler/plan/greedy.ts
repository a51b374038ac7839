/** First placements: blocks by size, area, lifetime and the like, each where it fits. */
import { type Block, lowerBound } from "./liveness.ts";
import { type Placement, placer } from "./place.ts";
import { area, crowd, earliest, orderBy, size, width } from "./preferences.ts";

/** Blocks looked at: each placement looks at half of all pairs. More than a few thousand blocks get fewer placements. */
const workLimit = 6e7;

/** The placement of several that takes least; the first that takes no more than `enough`, by default the bound. */
export function greedyPlacement(blocks: readonly Block[], page: number, enough = lowerBound(blocks)): Placement {
  const place = placer(blocks, page);
  const orders = [
    () => orderBy(blocks, size, width),
    () => orderBy(blocks, area, size),
    () => orderBy(blocks, width, area),
    () => orderBy(blocks, earliest, size),
    () => orderBy(blocks, crowd(blocks), size),
  ];
  let best: Placement | undefined;
  let work = 0;
  for (const orderOf of orders) {
    const order = orderOf();
    for (const fit of ["first", "best"] as const) {
      const placement = place(order, fit);
      work += blocks.length ** 2 / 2;
      if (!best || placement.bytes < best.bytes) best = placement;
      if (best.bytes <= enough || work > workLimit) return best;
    }
  }
  return best!;
}
