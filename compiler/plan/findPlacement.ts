/** Offsets within a given capacity, or the proof that there are none. */
import { type Budget, CanonicalSearch, type Preference, type SearchOutcome } from "./canonical.ts";
import { greedyPlacement } from "./greedy.ts";
import type { Block } from "./liveness.ts";

/** MiniMalloc's WAT, TAW and TWA. On most sets of blocks one of them leads to a placement at once, others hardly ever. */
export const preferences: readonly Preference[] = [
  { keys: ["width", "area", "crowd"] },
  { keys: ["crowd", "area", "width"] },
  { keys: ["crowd", "width", "area"] },
];

/** In the first round, a search with each preference may look at so many blocks for each there is; then at twice as many. */
export const firstShare = 1000;

/** A greedy placement where one is good enough, else searches in turn, ever longer, until one ends or the budget does. */
export function findPlacement(blocks: readonly Block[], capacity: number, budget: Budget): SearchOutcome {
  if (blocks.length === 0) return { kind: "placed", offsets: [], work: 0 };
  const { offsets, bytes } = greedyPlacement(blocks, Number.MAX_SAFE_INTEGER, capacity);
  if (bytes <= capacity) return { kind: "placed", offsets, work: 0 };
  return searchInTurn(new CanonicalSearch(blocks), capacity, firstShare * blocks.length, budget);
}

/** Searches with each preference in turn, at first with budgets of `share`, until one ends or the budget is spent. */
export function searchInTurn(search: CanonicalSearch, capacity: number, share: number, budget: Budget): SearchOutcome {
  let work = 0;
  for (let most = share; ; most *= 2) {
    for (const preference of preferences) {
      const outcome = search.run(capacity, preference, { ...budget, work: Math.min(most, budget.work - work) });
      work += outcome.work;
      const goesOn = outcome.kind === "gaveUp" && work < budget.work && budget.goOn?.() !== false;
      if (!goesOn) return { ...outcome, work };
    }
  }
}
