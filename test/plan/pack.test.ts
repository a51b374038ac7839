import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { CanonicalSearch } from "../../compiler/plan/canonical.ts";
import { findPlacement, preferences } from "../../compiler/plan/findPlacement.ts";
import { type Block, lowerBound } from "../../compiler/plan/liveness.ts";
import { pack } from "../../compiler/plan/pack.ts";
import { type Fit, placer } from "../../compiler/plan/place.ts";
import { seededRandom } from "../../compiler/plan/random.ts";
import { cpuMilliseconds } from "./problems.ts";

// Many random problems, on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

const block = (start: number, end: number, size: number): Block => ({ start, end, size });

const anyBlocks = (most: number): fc.Arbitrary<Block[]> =>
  fc.array(
    fc
      .record({ start: fc.nat(12), length: fc.integer({ min: 1, max: 6 }), size: fc.integer({ min: 1, max: 9 }) })
      .map(({ start, length, size }) => block(start, start + length, size)),
    { minLength: 1, maxLength: most },
  );

/** Blocks that live together lie apart, and none straddles a page. */
function expectApart(blocks: readonly Block[], offsets: readonly number[], page: number): void {
  expect(offsets.length).toBe(blocks.length);
  blocks.forEach((a, i) => {
    expect(offsets[i]).toBeGreaterThanOrEqual(0);
    expect(Math.floor(offsets[i] / page)).toBe(Math.floor((offsets[i] + a.size - 1) / page));
    blocks.slice(i + 1).forEach((b, rest) => {
      const j = i + 1 + rest;
      if (a.start >= b.end || b.start >= a.end) return;
      expect(offsets[i] + a.size <= offsets[j] || offsets[j] + b.size <= offsets[i]).toBe(true);
    });
  });
}

function expectWithin(blocks: readonly Block[], offsets: readonly number[], capacity: number): void {
  expectApart(blocks, offsets, Number.MAX_SAFE_INTEGER);
  blocks.forEach(({ size, alignment = 1 }, b) => {
    expect(offsets[b] + size).toBeLessThanOrEqual(capacity);
    expect(offsets[b] % alignment).toBe(0);
  });
}

/** A rectangle of time and bytes, cut into blocks without a gap: they fit, and there is no room to spare. */
function cutUp(count: number, capacity: number, pick: (from: number, to: number) => number): Block[] {
  const blocks: { start: number; end: number; size: number }[] = [block(0, capacity, capacity)];
  while (blocks.length < count) {
    const b = blocks[pick(0, blocks.length)];
    if (pick(0, 2) === 1) {
      if (b.size === 1) continue;
      const size = pick(1, b.size);
      blocks.push({ ...b, size: b.size - size });
      b.size = size;
    } else {
      if (b.end - b.start === 1) continue;
      const middle = pick(b.start + 1, b.end);
      blocks.push({ ...b, start: middle });
      b.end = middle;
    }
  }
  return blocks;
}

/** Blocks that fill their capacity. */
const hidden: fc.Arbitrary<{ readonly blocks: Block[]; readonly capacity: number }> = fc
  .record({ capacity: fc.integer({ min: 20, max: 60 }), picks: fc.infiniteStream(fc.nat(1 << 20)) })
  .map(({ capacity, picks }) => ({
    capacity,
    blocks: cutUp(40, capacity, (from, to) => from + (picks.next().value % (to - from))),
  }));

/** Whether the blocks fit: every offset of each in turn is tried. */
function fits(blocks: readonly Block[], capacity: number, offsets: number[] = []): boolean {
  const b = blocks[offsets.length];
  if (!b) return true;
  for (let at = 0; at + b.size <= capacity; at += b.alignment ?? 1) {
    const free = offsets.every((o, i) => {
      const other = blocks[i];
      return other.start >= b.end || b.start >= other.end || o + other.size <= at || at + b.size <= o;
    });
    if (free && fits(blocks, capacity, [...offsets, at])) return true;
  }
  return false;
}

describe("placer", () => {
  test.each<Fit>(["first", "best"])("%s fit keeps blocks apart, in any order, within pages", (fit) => {
    fc.assert(
      fc.property(
        anyBlocks(20),
        fc.infiniteStream(fc.nat(100)),
        fc.integer({ min: 9, max: 40 }),
        (blocks, keys, page) => {
          const order = blocks.map((_, b) => ({ b, key: keys.next().value })).sort((x, y) => x.key - y.key);
          expectApart(
            blocks,
            placer(blocks, page)(
              order.map(({ b }) => b),
              fit,
            ).offsets,
            page,
          );
        },
      ),
    );
  });
  test("fills the gap below the first block", () => {
    const blocks = [block(0, 2, 4), block(0, 4, 4), block(2, 4, 3)];
    expect(placer(blocks, 100)([0, 1, 2], "first")).toEqual({ offsets: [0, 4, 0], bytes: 8 });
  });
  test("best fit takes the smallest gap that is large enough", () => {
    // Gaps of 5 at 0 and of 3 at 6 while the last block lives.
    const blocks = [block(0, 1, 5), block(0, 9, 1), block(0, 1, 3), block(0, 9, 1), block(5, 6, 3)];
    const place = placer(blocks, 100);
    expect(place([0, 1, 2, 3, 4], "first").offsets[4]).toBe(0);
    expect(place([0, 1, 2, 3, 4], "best").offsets[4]).toBe(6);
  });
});

const work = 1e7;

describe("CanonicalSearch", () => {
  test.each(preferences)("finds a placement exactly where there is one, by $keys", (preference) => {
    fc.assert(
      fc.property(anyBlocks(7), fc.nat(2), (blocks, spare) => {
        const capacity = lowerBound(blocks) + spare;
        const { kind, offsets } = new CanonicalSearch(blocks).run(capacity, preference, { work });
        expect(kind).toBe(fits(blocks, capacity) ? "placed" : "impossible");
        if (kind === "placed") expectWithin(blocks, offsets, capacity);
      }),
      { numRuns: 400 },
    );
  });
  test("keeps to alignments", () => {
    const aligned = anyBlocks(6).chain((blocks) =>
      fc
        .array(fc.constantFrom(1, 2, 3, 4), { minLength: blocks.length, maxLength: blocks.length })
        .map((alignments) => blocks.map((b, i) => ({ ...b, alignment: alignments[i] }))),
    );
    fc.assert(
      fc.property(aligned, fc.nat(3), (blocks, spare) => {
        const capacity = lowerBound(blocks) + spare;
        const { kind, offsets } = findPlacement(blocks, capacity, { work });
        expect(kind).toBe(fits(blocks, capacity) ? "placed" : "impossible");
        if (kind === "placed") expectWithin(blocks, offsets, capacity);
      }),
      { numRuns: 400 },
    );
  });
  test("finds placements that were hidden", () => {
    fc.assert(
      fc.property(hidden, ({ blocks, capacity }) => {
        const { kind, offsets } = findPlacement(blocks, capacity, { work });
        expect(kind).toBe("placed");
        expectWithin(blocks, offsets, capacity);
      }),
      { numRuns: 100 },
    );
  });
  test("may be run again with other preferences and capacities", () => {
    const blocks = [block(0, 2, 4), block(0, 4, 4), block(2, 4, 3), block(1, 3, 2)];
    const search = new CanonicalSearch(blocks);
    expect(preferences.map((p) => search.run(10, p, { work }).kind)).toEqual(["placed", "placed", "placed"]);
    expect(search.run(9, preferences[0], { work }).kind).toBe("impossible");
    const fresh = new CanonicalSearch(blocks).run(11, preferences[0], { work });
    expect(search.run(11, preferences[0], { work })).toEqual(fresh);
  });
  test("gives up when its budget is spent, or when told to", () => {
    const blocks = Array.from({ length: 30 }, (_, i) => block(i % 7, (i % 7) + 1 + (i % 5), 1 + (i % 4)));
    expect(new CanonicalSearch(blocks).run(lowerBound(blocks), preferences[0], { work: 300 }).kind).toBe("gaveUp");
    const random = seededRandom(9);
    const hard = cutUp(120, 1000, (from, to) => from + Math.floor(random() * (to - from)));
    expect(findPlacement(hard, 1000, { work }).kind).toBe("placed");
    const search = new CanonicalSearch(hard);
    expect(search.run(1000, preferences[0], { work, goOn: () => false }).kind).toBe("gaveUp");
  });
  test("has room for a chain of any length", () => {
    const blocks = Array.from({ length: 9000 }, (_, i) => block(i, i + 12, 1 + (i % 5)));
    expect(new CanonicalSearch(blocks).run(200, preferences[0], { work: 1e9 }).kind).toBe("placed");
  });
});

describe("pack", () => {
  const sixty = Array.from({ length: 60 }, (_, i) => {
    const start = (i * 7) % 23;
    return block(start, start + 1 + (i % 6), 100 + ((i * 37) % 61));
  });

  test("keeps blocks apart, at or above the bound, within pages", () => {
    fc.assert(
      fc.property(anyBlocks(30), fc.integer({ min: 9, max: 60 }), (blocks, page) => {
        const { offsets, bytes } = pack(blocks, page);
        expectApart(blocks, offsets, page);
        expect(bytes).toBeGreaterThanOrEqual(lowerBound(blocks));
      }),
      { numRuns: 60 },
    );
  });
  test("reaches the bound where greedy orders do not", () => {
    const bySize = sixty.map((_, b) => b).sort((a, b) => sixty[b].size - sixty[a].size);
    expect(placer(sixty, 2 ** 30)(bySize, "first").bytes).toBeGreaterThan(1.2 * lowerBound(sixty));
    expect(pack(sixty, 2 ** 30).bytes).toBe(lowerBound(sixty));
  });
  test("is deterministic", () => {
    expect(pack(sixty, 2 ** 30)).toEqual(pack(sixty, 2 ** 30));
    expect(pack(sixty, 700)).toEqual(pack(sixty, 700));
  });
  test("takes under 300 ms for 60 blocks", () => {
    expect(cpuMilliseconds(() => pack(sixty, 2 ** 30))).toBeLessThan(300);
  });
  test("nothing to place", () => {
    expect(pack([], 256)).toEqual({ offsets: [], bytes: 0 });
  });
});
