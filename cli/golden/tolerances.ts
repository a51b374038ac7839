/**
 * How far numbers may lie apart. Adapters add in other orders, and choose other algorithms: their values differ by some
 * 1e-5 of a tensor's largest. But where a relu's or a maximum's operand is as near its kink as that, the gradient behind
 * it jumps. So the numbers are computed again with noise on the inputs, about as large as such errors: a seed is taken
 * whose numbers stay, or where there is none, all tensors that jump get the tolerance that one was seen to need.
 */
import type { Tolerance } from "./manifest.ts";
import type { Numbers, NumbersRun } from "./numbers.ts";

/** Ten times what wasm, lavapipe and SwiftShader differ by on networks without a jump. */
export const usualTolerance: Tolerance = { relative: 5e-4, absolute: 1e-7 };

/** Of inputs in -1..1: somewhat more than the error that `--algorithm auto` allows a contraction (2e-5). */
const noise = 5e-5;
const draws = 2;
/** Other errors than those drawn may make it jump farther. */
const margin = 4;
/** How many seeds are tried: among many values some always are at a kink, whatever the seed. */
const seedsFor = (values: number): number => (values <= 2 ** 16 ? 16 : 2);

export interface Steady {
  readonly seed: number;
  readonly numbers: Numbers;
  /** Relative tolerances of tensors that the usual one is too small for. */
  readonly relative: ReadonlyMap<string, number>;
}

/** Numbers of the first seed, from `seed` on, that noise does not move beyond the tolerance; else of the one that it
 * moves least. `only` takes the seed as it is. */
export async function steadyNumbers(
  run: NumbersRun,
  seed: number,
  tolerance: Tolerance,
  only: boolean,
): Promise<Steady> {
  let best: Steady | undefined;
  const end = seed + (only ? 1 : seedsFor(run.inputs));
  const worst = ({ relative }: Steady) => Math.max(0, ...relative.values());
  for (let candidate = seed; candidate < end; candidate++) {
    const numbers = await run.compute(candidate);
    const relative = new Map<string, number>();
    for (let draw = 0; draw < draws; draw++) {
      const moved = await run.compute(candidate, { most: noise, draw });
      for (const [name, { values }] of numbers) {
        const needed = neededRelative(values, moved.get(name)!.values, tolerance.absolute);
        if (needed > Math.max(tolerance.relative, relative.get(name) ?? 0)) relative.set(name, needed);
      }
    }
    const found = { seed: candidate, numbers, relative };
    if (relative.size === 0) return found;
    // Which of them jumps how far is chance; on another adapter it may be another.
    const most = roundedUp(margin * Math.max(...relative.values()));
    for (const name of relative.keys()) relative.set(name, most);
    if (!best || worst(found) < worst(best)) best = found;
  }
  return best!;
}

export const largestOf = (values: Float32Array): number => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

function neededRelative(values: Float32Array, moved: Float32Array, absolute: number): number {
  const apart = values.reduce((most, x, i) => Math.max(most, Math.abs(moved[i] - x)), 0);
  return Math.max(0, apart - absolute) / (largestOf(values) || 1);
}

/** Upwards to one digit, for people. */
const roundedUp = (x: number): number => {
  const digit = 10 ** Math.floor(Math.log10(x));
  return Number((Math.ceil(x / digit) * digit).toPrecision(1));
};
