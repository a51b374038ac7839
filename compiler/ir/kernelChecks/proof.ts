/** Proofs of upper bounds of sums of integers from inequalities between them. */
import { type Affine, type Atoms, keyOf, plus, type Range, scale, sharpen } from "./affine.ts";

/** Expressions looked at before a proof is given up. */
const effort = 1000;
/** Rounds in which facts narrow ranges. */
const rounds = 4;
/** Facts that are looked for from each that control flow guarantees. */
const mostDerived = 30;

/**
 * Whether `a`, an integer, is proved to be at most `limit` where all of `given` are at most 0; what holds of the atoms
 * whatever the control flow is taken with them. If ranges narrowed by the facts and sums of facts do not prove it, they
 * are tried again with what follows from the facts by rounding.
 */
export function provesAtMost(a: Affine, limit: number, given: readonly Affine[], atoms: Atoms): boolean {
  // Integers: less than limit + 1 is at most limit. The margin covers rounding of fractions.
  const enough = limit + 1 - 1e-6;
  if (atoms.range(a).high < enough) return true;
  const facts = [...given, ...connectedFacts([a, ...given], atoms)];
  const ranges = new Ranges(atoms);
  ranges.narrow(facts);
  if (eliminates(a, enough, facts, ranges)) return true;
  if (given.length === 0) return false;
  const all = [...facts, ...derivedFacts(given, facts)].flatMap((f) => [f, ...cuts(f, ranges)]);
  ranges.narrow(all);
  return eliminates(a, enough, all, ranges);
}

/** The facts about the atoms of expressions, about those in these facts, and so on. */
function connectedFacts(expressions: readonly Affine[], atoms: Atoms): Affine[] {
  const facts = new Set<Affine>();
  const open = [...expressions];
  const seen = new Set<string>();
  for (let x = open.pop(); x; x = open.pop())
    for (const key of x.terms.keys()) {
      if (seen.has(key)) continue;
      seen.add(key);
      for (const fact of atoms.factsOf(key)) {
        facts.add(fact);
        open.push(fact);
      }
    }
  return [...facts];
}

/** Ranges of atoms under facts: narrower than what holds everywhere. */
class Ranges {
  private readonly narrowed = new Map<string, Range>();

  constructor(private readonly atoms: Atoms) {}

  private of(key: string): Range {
    return this.narrowed.get(key) ?? this.atoms.rangeOf(key);
  }

  /** The greatest value that the ranges allow; without an atom, or some. */
  highest(a: Affine, without: (key: string, coefficient: number) => boolean = () => false): number {
    let high = a.constant;
    for (const [key, c] of a.terms) if (!without(key, c)) high += c * (c > 0 ? this.of(key).high : this.of(key).low);
    return high;
  }

  /** From sum + c * x <= 0 follows c * x <= -sum, which is greatest where the sum is least; x is an integer. */
  narrow(facts: readonly Affine[]): void {
    for (let round = 0; round < rounds; round++) {
      let changed = false;
      for (const fact of facts)
        for (const [key, c] of fact.terms) {
          const { low, high } = this.of(key);
          const limit = this.highest(scale(fact, -1), (k) => k === key) / c;
          const next =
            c > 0
              ? { low, high: Math.min(high, Math.floor(limit + 1e-6)) }
              : { low: Math.max(low, Math.ceil(limit - 1e-6)), high };
          if (next.low === low && next.high === high) continue;
          this.narrowed.set(key, next);
          changed = true;
        }
      if (!changed) return;
    }
  }
}

/**
 * With a fact f <= 0 and a factor s > 0, a <= a - s*f: each step chooses s so that an atom disappears (as in
 * Fourier-Motzkin elimination), and what is left is bounded by the ranges. The lowest bound and the shortest way are
 * followed in turn.
 */
function eliminates(a: Affine, enough: number, facts: readonly Affine[], ranges: Ranges): boolean {
  const boundOf = (x: Affine) => ({ expression: x, bound: ranges.highest(x) });
  const open = [boundOf(a)];
  if (open[0].bound < enough) return true;
  const seen = new Set([keyOf(a)]);
  for (let left = effort; left > 0 && open.length > 0; left--) {
    let best = 0;
    if (left % 2 === 0) for (let i = 1; i < open.length; i++) if (open[i].bound < open[best].bound) best = i;
    const [{ expression }] = open.splice(best, 1);
    for (const fact of facts)
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

/** Sums of a given fact and another in which an atom has disappeared, and sums of these again: the shortest first. */
function derivedFacts(given: readonly Affine[], facts: readonly Affine[]): Affine[] {
  const derived = new Map<string, Affine>();
  for (const one of given) {
    const open = [one];
    for (let left = mostDerived; left > 0 && open.length > 0; ) {
      const f = open.shift()!;
      for (const fact of facts)
        for (const [key, c] of fact.terms) {
          const mine = f.terms.get(key) ?? 0;
          if (mine * c >= 0) continue;
          const sum = sharpen(plus(scale(f, Math.abs(c)), fact, Math.abs(mine)));
          const name = keyOf(sum);
          if (sum.terms.size === 0 || sum.terms.size > f.terms.size + 1 || derived.has(name)) continue;
          derived.set(name, sum);
          open.push(sum);
          left--;
        }
      open.sort((x, y) => x.terms.size - y.terms.size);
    }
  }
  return [...derived.values()];
}

/** What a fact says of its terms of a common divisor alone, the others at their least (as in Gomory's cuts). */
function cuts(fact: Affine, ranges: Ranges): Affine[] {
  const divisors = new Set([...fact.terms.values()].map(Math.abs).filter((c) => c > 1));
  return [...divisors].flatMap((divisor) => {
    const terms = new Map([...fact.terms].filter(([, c]) => c % divisor === 0));
    if (terms.size === fact.terms.size) return [];
    const least = -ranges.highest(scale(fact, -1), (_, c) => c % divisor === 0);
    return [sharpen({ constant: least, terms })];
  });
}
