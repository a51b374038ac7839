/** Whether a schedule computes what the default does, but for the order of its sums. */

/** Half a unit in the last place of a single precision number of 1. */
const rounding = 2 ** -24;

/**
 * The largest difference of one element, as a multiple of the root mean square of all of them, that another order of a
 * sum of so many terms may make. Partial sums of terms of either sign grow as the square root of their number, and so
 * does the error of their sum against it (N. Higham, Accuracy and Stability of Numerical Algorithms, 4.2); the factor
 * leaves room for the largest of millions of elements, and for an epilogue of several operations.
 */
export const tolerance = (terms: number): number => 64 * rounding * Math.sqrt(Math.max(terms, 16));

/** What is wrong with `actual`; null where it is what was expected. Both have an array for each tensor stored. */
export function difference(
  actual: readonly Float32Array[],
  expected: readonly Float32Array[],
  terms: number,
): string | null {
  const allowed = tolerance(terms);
  for (const [t, wanted] of expected.entries()) {
    const got = actual[t];
    let squares = 0;
    for (let i = 0; i < wanted.length; i++) squares += wanted[i] * wanted[i];
    const size = Math.sqrt(squares / wanted.length);
    let worst = 0;
    let wrong = 0;
    for (let i = 0; i < wanted.length; i++) {
      const error = Math.abs(got[i] - wanted[i]);
      // Not a number is not within any bound.
      if (!(error <= allowed * size)) wrong++;
      if (!(error <= worst)) worst = error;
    }
    if (wrong > 0)
      return (
        `${wrong} of ${wanted.length} elements differ from the default schedule's, by up to ` +
        `${(worst / size).toExponential(1)} of their root mean square (${allowed.toExponential(1)} allowed)`
      );
  }
  return null;
}
