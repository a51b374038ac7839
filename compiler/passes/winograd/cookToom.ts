/**
 * Minimal filtering F(m, r) by Cook and Toom: m outputs of a filter of r taps from m + r - 1 products. Winograd,
 * "Arithmetic Complexity of Computations" (SIAM 1980); Lavin and Gray, "Fast Algorithms for Convolutional Neural
 * Networks" (CVPR 2016).
 */
import type { Table } from "../../ir/scalar.ts";

/** y = AT [(G g) * (BT d)], y of m, g of r, d of m + r - 1 elements: y[i] = sum over k of g[k] d[i + k]. */
export interface Filtering {
  readonly m: number;
  readonly r: number;
  /** [m + r - 1] rows of [m + r - 1]: from data to points. */
  readonly inputs: Table;
  /** [m + r - 1] rows of [r]: from taps to points. */
  readonly taps: Table;
  /** [m] rows of [m + r - 1]: from points to outputs. */
  readonly outputs: Table;
}

/**
 * Interpolation points by their number (infinity comes on top): small and near 1 in size, in pairs of opposite sign,
 * which keeps rounding errors low. Found by comparing errors in float32 over candidate sets.
 */
const points: Readonly<Record<number, readonly number[]>> = {
  0: [],
  1: [0],
  2: [0, 1],
  3: [0, 1, -1],
  4: [0, 1, -1, 2],
  5: [0, 3 / 4, -3 / 4, 3 / 2, -3 / 2],
  6: [0, 1, -1, 2, -2, 1 / 2],
  7: [0, 1, -1, 2, -2, 1 / 2, -1 / 2],
  9: [0, 3 / 8, -3 / 8, 7 / 8, -7 / 8, 5 / 4, -5 / 4, 5 / 2, -5 / 2],
};

export const hasPoints = (m: number, r: number): boolean => m + r - 2 in points;

/** Throws where there are no points for m + r - 2. */
export function cookToom(m: number, r: number): Filtering {
  const finite = points[m + r - 2];
  if (!finite) throw new Error(`no interpolation points for F(${m}, ${r})`);
  const size = finite.length + 1;
  const others = finite.map((p) => finite.filter((q) => q !== p));
  const scales = finite.map((p, j) => others[j].reduce((product, q) => product * (p - q), 1));
  const padded = (polynomial: readonly number[]) => [...polynomial, ...Array(size - polynomial.length).fill(0)];
  const unit = (length: number) => [...Array(length - 1).fill(0), 1];
  return {
    m,
    r,
    inputs: [...finite.map((_, j) => padded(expand(others[j]))), expand(finite)],
    taps: [...finite.map((p, j) => Array.from({ length: r }, (_, k) => p ** k / scales[j] + 0)), unit(r)],
    outputs: Array.from({ length: m }, (_, i) => [...finite.map((p) => p ** i), i === m - 1 ? 1 : 0]),
  };
}

/** Coefficients, lowest first, of the product of (x - root). */
const expand = (roots: readonly number[]): number[] =>
  roots.reduce((p, root) => [...p.keys(), p.length].map((k) => (p[k - 1] ?? 0) - root * (p[k] ?? 0)), [1]);

export const transposed = (t: Table): Table => t[0].map((_, j) => t.map((row) => row[j]));
