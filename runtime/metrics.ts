/** Index of the largest value of a row; of equal ones, the first. NaN is never the largest. */
export function argmax(values: ArrayLike<number>, start = 0, length = values.length): number {
  let best = 0;
  for (let i = 1; i < length; i++) if (values[start + i] > values[start + best]) best = i;
  return best;
}

/** How many of the first `labels.length` rows of `logits` [n, classes] have their label as the largest value. */
export function countCorrect(logits: ArrayLike<number>, classes: number, labels: ArrayLike<number>): number {
  let correct = 0;
  for (let n = 0; n < labels.length; n++) if (argmax(logits, n * classes, classes) === labels[n]) correct++;
  return correct;
}

/** Softmax of a row, in float64; the largest value is taken off first, so that large logits stay finite. */
export function softmax(logits: ArrayLike<number>, start = 0, length = logits.length): Float64Array {
  const row = Float64Array.from({ length }, (_, i) => logits[start + i]);
  const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = row.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}

/** Sum over the first `labels.length` rows of `logits` [n, classes] of logsumexp(row) - row[label], in float64. */
export function sumCrossEntropy(logits: ArrayLike<number>, classes: number, labels: ArrayLike<number>): number {
  let total = 0;
  for (let n = 0; n < labels.length; n++) {
    const start = n * classes;
    let most = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) most = Math.max(most, logits[start + c]);
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += Math.exp(logits[start + c] - most);
    total += most + Math.log(sum) - logits[start + labels[n]];
  }
  return total;
}

/** The tutorial's moving loss: the first loss, then 0.99 times itself plus 0.01 times the new one. */
export const movingLoss = (moving: number | null, loss: number): number =>
  moving === null ? loss : 0.99 * moving + 0.01 * loss;
