/** Sums of integer atoms, and proofs of upper bounds from inequalities between them. */

/** constant + the sum of coefficient * atom, atoms by key. */
export interface Affine {
  readonly constant: number;
  readonly terms: ReadonlyMap<string, number>;
}

export interface Range {
  readonly low: number;
  readonly high: number;
}

export const number = (constant: number): Affine => ({ constant, terms: new Map() });
export const atom = (key: string): Affine => ({ constant: 0, terms: new Map([[key, 1]]) });

/** a + factor * b */
export function plus(a: Affine, b: Affine, factor = 1): Affine {
  const terms = new Map(a.terms);
  for (const [key, coefficient] of b.terms) {
    const sum = (terms.get(key) ?? 0) + factor * coefficient;
    // Factors may be fractions: what cancels up to rounding is gone.
    if (Math.abs(sum) < 1e-9) terms.delete(key);
    else terms.set(key, sum);
  }
  return { constant: a.constant + factor * b.constant, terms };
}

export const scale = (a: Affine, factor: number): Affine => plus(number(0), a, factor);

export const keyOf = (a: Affine): string =>
  [...[...a.terms].sort(([x], [y]) => (x < y ? -1 : 1)).map(([k, c]) => `${c}*${k}`), a.constant].join("+");

/** What is known about atoms: each one's range, and inequalities that hold whatever the control flow. */
export class Atoms {
  private readonly known = new Map<string, { readonly range: Range; readonly facts: readonly Affine[] }>();

  /** `facts` are expressions that are at most 0. */
  add(key: string, range: Range, facts: readonly Affine[] = []): Affine {
    if (!this.known.has(key)) this.known.set(key, { range, facts });
    return atom(key);
  }

  range(a: Affine): Range {
    let [low, high] = [a.constant, a.constant];
    for (const [key, c] of a.terms) {
      const { range } = this.known.get(key)!;
      low += c * (c > 0 ? range.low : range.high);
      high += c * (c > 0 ? range.high : range.low);
    }
    return { low, high };
  }

  factsAbout(a: Affine): Affine[] {
    return [...a.terms.keys()].flatMap((key) => this.known.get(key)!.facts);
  }
}

const depth = 5;
const effort = 4000;

/**
 * Whether `a`, an integer, is proved to be at most `limit` where all of `facts` are at most 0.
 *
 * With a fact f <= 0 and a factor s > 0, a <= a - s*f: each step chooses s so that an atom disappears (as in
 * Fourier-Motzkin elimination), then bounds what is left by the atoms' ranges.
 */
export function provesAtMost(a: Affine, limit: number, facts: readonly Affine[], atoms: Atoms): boolean {
  let left = effort;
  const seen = new Set<string>();
  const search = (x: Affine, steps: number): boolean => {
    // Integers: less than limit + 1 is at most limit. The margin covers rounding of fractions.
    if (atoms.range(x).high < limit + 1 - 1e-6) return true;
    if (steps === 0 || left-- <= 0) return false;
    const key = keyOf(x);
    if (seen.has(key)) return false;
    seen.add(key);
    for (const fact of [...facts, ...atoms.factsAbout(x)])
      for (const [k, c] of fact.terms) {
        const factor = (x.terms.get(k) ?? 0) / c;
        if (factor > 0 && search(plus(x, fact, -factor), steps - 1)) return true;
      }
    return false;
  };
  for (let steps = 0; steps <= depth; steps++) {
    seen.clear();
    if (search(a, steps)) return true;
    if (left <= 0) return false;
  }
  return false;
}
