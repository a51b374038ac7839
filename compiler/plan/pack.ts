/** Offsets for blocks: several strategies, the best placement kept. Bounded in counted work, so the same everywhere. */
import { CanonicalSearch, type SearchOutcome } from "./canonical.ts";
import { climb } from "./climb.ts";
import { firstShare, preferences, searchInTurn } from "./findPlacement.ts";
import { greedyPlacement } from "./greedy.ts";
import { type Block, lowerBound } from "./liveness.ts";
import { type Placement, placer } from "./place.ts";
import { seededRandom } from "./random.ts";

/** Blocks looked at in all: under a second. */
const workLimit = 6e7;
/** The share of that which the searches for the bound itself get. */
const patience = 0.5;
/** More blocks than this, as of thousands of layers, are placed greedily and not searched. */
const mostBlocks = 3000;

/**
 * Places blocks that live together apart, within pages of `page` bytes (see place.ts).
 * Blocks are at most a page; sizes may be any integers.
 */
export function pack(blocks: readonly Block[], page: number): Placement {
  if (blocks.length === 0) return { offsets: [], bytes: 0 };
  const bound = lowerBound(blocks);
  const greedy = greedyPlacement(blocks, page);
  if (greedy.bytes === bound || blocks.length > mostBlocks) return greedy;
  return bound <= page ? searchDown(blocks, bound, greedy, page) : climb(blocks, placer(blocks, page), greedy, bound);
}

/**
 * Canonical searches for the bound, then for less and less with preferences that are shaken at random. What such a search
 * costs has a long tail: it finds a placement soon or never. So it is started anew often, and seldom let run on (M. Luby
 * et al., "Optimal speedup of Las Vegas algorithms", 1993).
 */
function searchDown(blocks: readonly Block[], bound: number, from: Placement, page: number): Placement {
  const search = new CanonicalSearch(blocks);
  const random = seededRandom(blocks.length);
  const share = firstShare * blocks.length;
  let best = from;
  /** No placement takes less: the bound, or what a search has proved. */
  let least = bound;
  let left = workLimit;
  const learn = (capacity: number, { kind, offsets, work }: SearchOutcome): void => {
    left -= work;
    if (kind === "impossible") least = Math.max(least, capacity + 1);
    if (kind === "placed") {
      best = { offsets, bytes: offsets.reduce((most, offset, b) => Math.max(most, offset + blocks[b].size), 0) };
    }
  };
  learn(bound, searchInTurn(search, bound, share, { work: patience * workLimit }));
  const parts = [0.5, 0.75, 0.9, 0.25];
  const noises = [0, 0.1, 0.5, 1];
  for (let t = 0; best.bytes > least && left > 0; t++) {
    const noise = noises[Math.floor(t / preferences.length) % noises.length];
    const factors = blocks.map(() => Math.exp(noise * (2 * random() - 1)));
    const preference = { ...preferences[t % preferences.length], factors };
    const capacity = Math.min(page, least + Math.floor((best.bytes - 1 - least) * parts[t % parts.length]));
    learn(capacity, search.run(capacity, preference, { work: Math.min(left, share * luby(t + 1)) }));
  }
  return best;
}

/** 1 1 2 1 1 2 4 1 1 2 1 1 2 4 8 ... */
function luby(i: number): number {
  const k = 32 - Math.clz32(i);
  return i === 2 ** k - 1 ? 2 ** (k - 1) : luby(i - 2 ** (k - 1) + 1);
}
