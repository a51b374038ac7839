/** What rounding costs in minimal filtering, beside float64. */
import type { Table } from "../../ir/scalar.ts";
import type { Filtering } from "./cookToom.ts";

/**
 * Relative error (L2) of a float32 result that is the sum of `terms` products a point, estimated: unit * amplification *
 * sqrt(terms). Rounding errors of the points' sums are independent of each other and grow as sums of random signs do;
 * the inverse transform adds them with large coefficients, and what they add up to is small.
 */
export const estimatedError = (rows: Filtering, columns: Filtering, terms: number): number =>
  unit * amplification(rows) * amplification(columns) * Math.sqrt(terms);

/** Fitted to errors measured against float64 for F(2..6, 3) and F(2..6, 5), sums of 48 to 7,744 terms: within a half of each. */
const unit = 1.3e-8;

/**
 * By how much the products at the points outweigh what is made of them: the root mean square of a result's summands over
 * that of the result, for independent data and taps of one variance.
 */
export function amplification({ m, r, inputs, taps, outputs }: Filtering): number {
  const [data, filter] = [rowPowers(inputs), rowPowers(taps)];
  const summands = outputs.map((row) => row.reduce((sum, c, a) => sum + c * c * data[a] * filter[a], 0));
  return Math.sqrt(summands.reduce((a, b) => a + b) / m / r);
}

const rowPowers = (t: Table): number[] => t.map((row) => row.reduce((sum, c) => sum + c * c, 0));
