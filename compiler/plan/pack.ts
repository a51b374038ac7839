/** Offsets for blocks: several strategies, the best placement kept. Bounded in counted work, so the same everywhere. */
import { CanonicalSearch } from "./canonical.ts";
import { climb } from "./climb.ts";
import { type Block, lowerBound } from "./liveness.ts";
import { type Placement, pageBytes, placer } from "./place.ts";
import { area, crowd, earliest, orderBy, size, width } from "./preferences.ts";
import { seededRandom } from "./random.ts";

/** Blocks looked at in all: a second or two. Each placement looks at half of all pairs; a network of thousands of layers
 * gets the first placements and no search. */
const workLimit = 6e7;
/** The first searches go for the bound itself, and get so many steps a block; later ones fewer, but there are many. */
const patience = 10;
const haste = 3;
/** Restarts a block. */
const restarts = 10;

/**
 * Places blocks that live together apart, within pages of `page` bytes (see place.ts).
 * Blocks are at most a page; sizes may be any integers.
 */
export function pack(blocks: readonly Block[], page: number): Placement {
  if (blocks.length === 0) return { offsets: [], bytes: 0 };
  const bound = lowerBound(blocks);
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
      if (best.bytes === bound || work > workLimit) return best;
    }
  }
  return bound <= page ? searchDown(blocks, bound, best!, page) : climb(blocks, place, best!, bound);
}

/** Canonical searches for less and less, from orders that are shaken at random. */
function searchDown(blocks: readonly Block[], bound: number, from: Placement, page: number): Placement {
  const search = new CanonicalSearch(blocks);
  const crowded = crowd(blocks);
  const preferences = [
    [width, area, crowded],
    [crowded, area, width],
    [crowded, width, area],
  ];
  const random = seededRandom(blocks.length);
  let best = from;
  /** No placement takes less: the bound, or what a search has proved. */
  let least = bound;
  let work = 0;
  const attempt = (capacity: number, order: readonly number[], patience: number): void => {
    const outcome = search.run(capacity, order, patience * blocks.length, workLimit - work);
    work += outcome.work;
    if (outcome.kind === "impossible") least = Math.max(least, capacity + 1);
    if (outcome.kind === "placed") {
      best = { offsets: outcome.offsets, bytes: pageBytes(blocks, outcome.offsets, page).reduce((a, b) => a + b, 0) };
    }
  };
  for (const keys of preferences) {
    if (best.bytes > least && work < workLimit) attempt(least, orderBy(blocks, ...keys), patience);
  }
  const shares = [0.5, 0.75, 0.9, 0.25];
  const noises = [0.1, 0.5, 1];
  for (let t = 0; t < restarts * blocks.length && best.bytes > least && work < workLimit; t++) {
    const noise = noises[Math.floor(t / preferences.length) % noises.length];
    const shake = blocks.map(() => Math.exp(noise * (2 * random() - 1)));
    const keys = preferences[t % preferences.length].map(
      (key) => (block: Block, b: number) => key(block, b) * shake[b],
    );
    const capacity = least + Math.floor((best.bytes - 1 - least) * shares[t % shares.length]);
    attempt(capacity, orderBy(blocks, ...keys), haste);
  }
  return best;
}
