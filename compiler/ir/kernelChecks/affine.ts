/** Sums of integer atoms, and what is known of the atoms. */

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

const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));

/** A fact a <= 0 about integers, as sharp as it can be: 4 x - 7 <= 0 says 4 x - 4 <= 0. */
export function sharpen(a: Affine): Affine {
  const coefficients = [...a.terms.values()];
  if (coefficients.length === 0 || !coefficients.every(Number.isInteger)) return a;
  const step = coefficients.reduce(gcd, 0);
  return { ...a, constant: Math.ceil(a.constant / step) * step };
}

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

  /** More that holds of an atom. */
  learn(key: string, facts: readonly Affine[]): void {
    const known = this.known.get(key)!;
    this.known.set(key, { ...known, facts: [...known.facts, ...facts] });
  }

  range(a: Affine): Range {
    let [low, high] = [a.constant, a.constant];
    for (const [key, c] of a.terms) {
      const range = this.rangeOf(key);
      low += c * (c > 0 ? range.low : range.high);
      high += c * (c > 0 ? range.high : range.low);
    }
    return { low, high };
  }

  rangeOf(key: string): Range {
    return this.known.get(key)!.range;
  }

  factsOf(key: string): readonly Affine[] {
    return this.known.get(key)!.facts;
  }
}
