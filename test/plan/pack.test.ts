import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { CanonicalSearch } from "../../compiler/plan/canonical.ts";
import { type Block, lowerBound } from "../../compiler/plan/liveness.ts";
import { pack } from "../../compiler/plan/pack.ts";
import { type Fit, placer } from "../../compiler/plan/place.ts";
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

/** Whether the blocks fit: every offset of each in turn is tried. */
function fits(blocks: readonly Block[], capacity: number, offsets: number[] = []): boolean {
  const b = blocks[offsets.length];
  if (!b) return true;
  for (let at = 0; at + b.size <= capacity; at++) {
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

describe("CanonicalSearch", () => {
  test("finds a placement exactly where there is one", () => {
    fc.assert(
      fc.property(anyBlocks(6), fc.nat(4), (blocks, spare) => {
        const capacity = lowerBound(blocks) + spare;
        const order = blocks.map((_, b) => b);
        const outcome = new CanonicalSearch(blocks).run(capacity, order, 1e6);
        expect(outcome.kind).toBe(fits(blocks, capacity) ? "placed" : "impossible");
        if (outcome.kind === "placed") {
          expectApart(blocks, outcome.offsets, Number.MAX_SAFE_INTEGER);
          blocks.forEach((b, i) => {
            expect(outcome.offsets[i] + b.size).toBeLessThanOrEqual(capacity);
          });
        }
      }),
      { numRuns: 400 },
    );
  });
  test("may be run again with other orders and capacities", () => {
    const blocks = [block(0, 2, 4), block(0, 4, 4), block(2, 4, 3), block(1, 3, 2)];
    const search = new CanonicalSearch(blocks);
    const orders = [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [0, 1, 2, 3],
    ];
    const outcomes = orders.map((order) => search.run(10, order, 1000).kind);
    expect(outcomes).toEqual(["placed", "placed", "placed"]);
    expect(search.run(9, orders[0], 1000).kind).toBe("impossible");
    expect(search.run(11, orders[0], 1000)).toEqual(new CanonicalSearch(blocks).run(11, orders[0], 1000));
  });
  test("gives up when its budget is spent", () => {
    const blocks = Array.from({ length: 30 }, (_, i) => block(i % 7, (i % 7) + 1 + (i % 5), 1 + (i % 4)));
    expect(
      new CanonicalSearch(blocks).run(
        lowerBound(blocks),
        blocks.map((_, b) => b),
        3,
      ).kind,
    ).toBe("gaveUp");
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
