/** Of repeated measurements. */

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Throws where there is nothing to measure. */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error("no values");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
  return { min: sorted[0], median, max: sorted.at(-1)! };
}

/** The exponent p of y = c x^p through two points: 1 is linear growth. */
export const growth = (x0: number, y0: number, x1: number, y1: number): number => Math.log(y1 / y0) / Math.log(x1 / x0);
