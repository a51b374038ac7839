import fc from "fast-check";
import { expect, test } from "vitest";
import { sample, shuffled, threefry2x32, uniform } from "../../runtime/program/random.ts";

test("Threefry 2x32-20 gives the known answers of Random123 (tests/kat_vectors)", () => {
  const ones = 0xffffffff;
  expect(threefry2x32(0, 0, 0, 0)).toEqual([0x6b200159, 0x99ba4efe]);
  expect(threefry2x32(ones, ones, ones, ones)).toEqual([0x1cb996fc, 0xbb002be7]);
  // Key and counter are digits of pi.
  expect(threefry2x32(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)).toEqual([0xc4923a9c, 0x483df7a0]);
});

test("Threefry agrees with the same rounds in BigInt arithmetic", () => {
  const mask = 0xffffffffn;
  const slow = (k0: bigint, k1: bigint, c0: bigint, c1: bigint) => {
    const keys = [k0, k1, 0x1bd11bdan ^ k0 ^ k1];
    const rotations = [13n, 15n, 26n, 6n, 17n, 29n, 16n, 24n];
    let [x, y] = [(c0 + k0) & mask, (c1 + k1) & mask];
    for (let round = 0; round < 20; round++) {
      const r = rotations[round % 8];
      x = (x + y) & mask;
      y = (((y << r) | (y >> (32n - r))) & mask) ^ x;
      if (round % 4 !== 3) continue;
      const i = (round + 1) / 4;
      x = (x + keys[i % 3]) & mask;
      y = (y + keys[(i + 1) % 3] + BigInt(i)) & mask;
    }
    return [Number(x), Number(y)];
  };
  const u32 = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(u32, u32, u32, u32, (a, b, c, d) => {
      expect(threefry2x32(a, b, c, d)).toEqual(slow(BigInt(a), BigInt(b), BigInt(c), BigInt(d)));
    }),
  );
});

test("uniform numbers are multiples of 2^-24 in [0, 1), evenly spread", () => {
  const counts = new Array<number>(16).fill(0);
  for (let i = 0; i < 32000; i++) {
    const value = uniform(1, 0, i, 0);
    expect(value * 2 ** 24).toBe(Math.floor(value * 2 ** 24));
    expect(Math.fround(value)).toBe(value);
    counts[Math.floor(value * 16)]++;
  }
  // Chi-square with 15 degrees of freedom: 37.7 is passed once in a thousand.
  expect(counts.reduce((sum, n) => sum + (n - 2000) ** 2 / 2000, 0)).toBeLessThan(37.7);
});

test("an epoch's order is a permutation that depends on seed and epoch", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), fc.nat(), fc.nat(), (count, seed, epoch) => {
      const order = shuffled(count, seed, epoch);
      expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
      expect(shuffled(count, seed, epoch)).toEqual(order);
    }),
  );
  expect(shuffled(1000, 1, 0)).not.toEqual(shuffled(1000, 1, 1));
  expect(shuffled(1000, 1, 0)).not.toEqual(shuffled(1000, 2, 0));
});

test("shuffling has no favourite place", () => {
  const counts = Array.from({ length: 5 }, () => new Array<number>(5).fill(0));
  for (let seed = 0; seed < 4000; seed++)
    shuffled(5, seed, 0).forEach((value, place) => {
      counts[place][value]++;
    });
  for (const row of counts) for (const n of row) expect(Math.abs(n - 800)).toBeLessThan(130); // 5 sigma
});

test("a sample is ascending, without repetition, the same every time", () => {
  const indices = sample(50000, 2000);
  expect(indices).toEqual(sample(50000, 2000));
  expect(new Set(indices).size).toBe(2000);
  expect([...indices]).toEqual([...indices].sort((a, b) => a - b));
  expect(indices[0]).toBeLessThan(500);
  expect(indices[1999]).toBeGreaterThan(49500);
  expect([...sample(3, 10)]).toEqual([0, 1, 2]);
});
