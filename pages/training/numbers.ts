/** Numbers of runs, and how they are written. */

/**
 * An exponential moving average as TensorBoard has it: `weight` of what was, the rest of what comes, divided by the weight
 * of all that came so far, so that the first values are not drawn to zero.
 */
export function smoothed(values: readonly number[], weight: number): number[] {
  if (weight === 0) return [...values];
  let [sum, left] = [0, 1];
  return values.map((value) => {
    sum = sum * weight + (1 - weight) * value;
    left *= weight;
    return sum / (1 - left);
  });
}

/** The mean of the last `count` values, of all where there are fewer; NaN of none. */
export function meanOfLast(values: readonly number[], count: number): number {
  const last = values.slice(-count);
  return last.reduce((a, b) => a + b, 0) / last.length;
}

/** The place of the value nearest to `x` in an ascending list. */
export function nearest(values: readonly number[], x: number): number {
  let [low, high] = [0, values.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (values[middle] <= x) low = middle;
    else high = middle;
  }
  return high >= 0 && Math.abs(values[high] - x) < Math.abs(values[low] - x) ? high : low;
}

const known = (write: (value: number) => string) => (value: number | undefined) =>
  value === undefined || Number.isNaN(value) ? "–" : write(value);

/** Loss: 4 digits behind the point, fewer where there are many before it. */
export const formatLoss = known((value) =>
  Math.abs(value) < 1e-3 && value !== 0
    ? value.toExponential(2)
    : value < 100
      ? value.toFixed(4)
      : value.toPrecision(5),
);

export const formatShare = known((value) => `${(100 * value).toFixed(1)}%`);

export const formatRate = known((value) => (value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en")));

/** Beside an axis: as many digits as tell the ticks apart. */
export const formatTick = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3
    ? value.toExponential()
    : value.toLocaleString("en", { maximumSignificantDigits: 4 });

export const formatPercent = (share: number): string => `${Math.round(1000 * share) / 10}%`;

export const formatCount = known((value) => value.toLocaleString("en"));

export const formatTime = known((seconds) => {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
});
