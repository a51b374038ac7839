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

const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));

/** A fact a <= 0 about integers, as sharp as it can be: 4 x - 7 <= 0 says 4 x - 4 <= 0. */
export function sharpen(a: Affine): Affine {
  const coefficients = [...a.terms.values()];
  if (coefficients.length === 0 || !coefficients.every(Number.isInteger)) return a;
  const step = coefficients.reduce(gcd);
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

/** Expressions looked at before a proof is given up. */
const effort = 1000;

/**
 * Whether `a`, an integer, is proved to be at most `limit` where all of `facts` are at most 0.
 *
 * With a fact f <= 0 and a factor s > 0, a <= a - s*f: each step chooses s so that an atom disappears (as in
 * Fourier-Motzkin elimination), and what is left is bounded by the atoms' ranges. The lowest bound and the shortest way are followed in turn.
 */
export function provesAtMost(a: Affine, limit: number, facts: readonly Affine[], atoms: Atoms): boolean {
  // Integers: less than limit + 1 is at most limit. The margin covers rounding of fractions.
  const enough = limit + 1 - 1e-6;
  const boundOf = (x: Affine) => ({ expression: x, bound: atoms.range(x).high });
  const open = [boundOf(a)];
  if (open[0].bound < enough) return true;
  const seen = new Set([keyOf(a)]);
  for (let left = effort; left > 0 && open.length > 0; left--) {
    let best = 0;
    if (left % 2 === 0) for (let i = 1; i < open.length; i++) if (open[i].bound < open[best].bound) best = i;
    const [{ expression }] = open.splice(best, 1);
    for (const fact of [...facts, ...atoms.factsAbout(expression)])
      for (const [key, c] of fact.terms) {
        const factor = (expression.terms.get(key) ?? 0) / c;
        if (factor <= 0) continue;
        const next = boundOf(plus(expression, fact, -factor));
        if (next.bound < enough) return true;
        const name = keyOf(next.expression);
        if (seen.has(name)) continue;
        seen.add(name);
        open.push(next);
      }
  }
  return false;
}
