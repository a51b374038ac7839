/**
 * Kiln's one source of random numbers: Threefry 2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011), a function from (key, counter) to 64 bits. Nothing is carried from draw to
 * draw, so a number depends on what it is for and not on when it is drawn: that is all of the "generator state".
 *
 * | for                    | key            | counter                    |
 * |------------------------|----------------|----------------------------|
 * | dropout (in kernels)   | (seed, step)   | (element, stream), step >= 1 |
 * | initial parameters     | (seed, 0)      | (element, ordinal)         |
 * | order of an epoch      | (seed, epoch)  | (position, 0xffffffff)     |
 * | sample for evaluation  | (0, 0)         | (position, 0xfffffffe)     |
 * | golden numbers         | (seed, 0)      | (element, 0xfffffff0 to 5) |
 */

/** Threefry 2x32-20 of key (k0, k1) and counter (c0, c1), all u32. */
export function threefry2x32(k0: number, k1: number, c0: number, c1: number): [number, number] {
  const parity = 0x1bd11bda ^ k0 ^ k1;
  let [a, b, c] = [k0 | 0, k1 | 0, parity]; // the key schedule, turned by one at each injection
  let x = (c0 + a) | 0;
  let y = (c1 + b) | 0;
  for (let group = 1; group <= 5; group++) {
    const odd = group & 1; // the rotations of groups 1, 3, 5 and of 2, 4
    x = (x + y) | 0;
    y = rotate(y, odd ? 13 : 17) ^ x;
    x = (x + y) | 0;
    y = rotate(y, odd ? 15 : 29) ^ x;
    x = (x + y) | 0;
    y = rotate(y, odd ? 26 : 16) ^ x;
    x = (x + y) | 0;
    y = rotate(y, odd ? 6 : 24) ^ x;
    const first = a;
    a = b;
    b = c;
    c = first;
    x = (x + a) | 0;
    y = (y + b + group) | 0;
  }
  return [x >>> 0, y >>> 0];
}

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** Uniform in [0, 1): the upper 24 bits of the first word, exact in f32. Kernels draw the same number. */
export function uniform(k0: number, k1: number, c0: number, c1: number): number {
  return (threefry2x32(k0, k1, c0, c1)[0] >>> 8) / 2 ** 24;
}

/** Streams of counters that no kernel and no parameter uses. */
const shuffleStream = 0xffffffff;
const sampleStream = 0xfffffffe;

/** The order of `count` pictures in an epoch: a permutation of 0..count-1 that depends on seed and epoch alone. */
export function shuffled(count: number, seed: number, epoch: number): Uint32Array {
  return permutation(count, seed, epoch, shuffleStream);
}

/** `size` different numbers below `count`, ascending; the same in every run, whatever its seed. All of them where
 * `size >= count`. */
export function sample(count: number, size: number): Uint32Array {
  if (size >= count) return Uint32Array.from({ length: count }, (_, i) => i);
  return permutation(count, 0, 0, sampleStream).slice(0, size).sort();
}

/** Fisher-Yates; position i draws from counter (i, stream). */
function permutation(count: number, k0: number, k1: number, stream: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    // Lemire's multiply-and-shift: floor(u32 * (i + 1) / 2^32); a bias below count / 2^32.
    const j = Math.floor((threefry2x32(k0, k1, i, stream)[0] * (i + 1)) / 2 ** 32);
    const other = order[j];
    order[j] = order[i];
    order[i] = other;
  }
  return order;
}
