/**
 * Quasi-affine integer expressions: where a tensor is read.
 *
 * An Index is a sum of constant multiples of atoms plus a constant. Atoms are axes, floor divisions and remainders by
 * constants, clamps, and integers computed from data. Construction simplifies: what intervals can prove away is gone,
 * so two indices that mean the same thing in the same form print the same.
 */
import type { Scalar } from "./scalar.ts";

/** A loop variable that runs over 0 <= i < extent. Compared by identity. */
export class Axis {
  private static count = 0;
  readonly id = Axis.count++;
  constructor(
    readonly name: string,
    readonly extent: number,
  ) {}
}

/** Points of the loops over some axes. */
export const extentOf = (axes: readonly Axis[]): number => axes.reduce((n, a) => n * a.extent, 1);

export type Atom =
  | { readonly kind: "axis"; readonly axis: Axis }
  | { readonly kind: "floorDiv"; readonly of: Index; readonly by: number }
  | { readonly kind: "mod"; readonly of: Index; readonly by: number }
  | { readonly kind: "clamp"; readonly of: Index; readonly low: number; readonly high: number }
  /** An integer computed from data (a label, say), clamped to low..high, so that a read stays inside its tensor. */
  | {
      readonly kind: "data";
      readonly scalar: Scalar;
      readonly low: number;
      readonly high: number;
      readonly id: number;
    };

export interface Term {
  readonly coefficient: number;
  readonly atom: Atom;
  readonly key: string;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

let dataCount = 0;

/** Sorts as text as it does as a number: what is compiled does not depend on how much was compiled before it. */
const inOrder = (id: number): string => String(id).padStart(10, "0");

const atomKey = (atom: Atom): string => {
  switch (atom.kind) {
    case "axis":
      return `a${inOrder(atom.axis.id)}`;
    case "floorDiv":
      return `(${atom.of.key})/${atom.by}`;
    case "mod":
      return `(${atom.of.key})%${atom.by}`;
    case "clamp":
      return `clamp(${atom.of.key},${atom.low},${atom.high})`;
    case "data":
      return `d${inOrder(atom.id)}`;
  }
};

const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));

export class Index {
  private text: string | undefined;

  /** Terms are simplified and in order. */
  private constructor(
    readonly constant: number,
    readonly terms: readonly Term[],
  ) {}

  /** Equal for equal indices. */
  get key(): string {
    this.text ??= [...this.terms.map((t) => `${t.coefficient}*${t.key}`), `${this.constant}`].join("+");
    return this.text;
  }

  static of(value: Index | Axis | number): Index {
    if (value instanceof Index) return value;
    if (value instanceof Axis) return Index.atom({ kind: "axis", axis: value });
    if (!Number.isInteger(value)) throw new Error(`an index must be an integer, not ${value}`);
    return Index.make(value, []);
  }

  /** An integer scalar used as an index, clamped to low..high. */
  static data(scalar: Scalar, low: number, high: number): Index {
    return Index.atom({ kind: "data", scalar, low, high, id: dataCount++ });
  }

  private static atom(atom: Atom): Index {
    return Index.make(0, [{ coefficient: 1, atom, key: atomKey(atom) }]);
  }

  /** Adds like terms, drops zeros, joins n*(x/n) + x%n, and orders terms by key. */
  private static make(constant: number, raw: readonly Term[]): Index {
    if (raw.length === 0) return new Index(constant, raw);
    const byKey = new Map<string, Term>();
    for (const t of raw) {
      // A one-element axis is always 0.
      if (t.atom.kind === "axis" && t.atom.axis.extent === 1) continue;
      const seen = byKey.get(t.key);
      byKey.set(t.key, seen ? { ...t, coefficient: seen.coefficient + t.coefficient } : t);
    }
    const terms = [...byKey.values()].filter((t) => t.coefficient !== 0);
    for (const mod of terms) {
      if (mod.atom.kind !== "mod") continue;
      const { of, by } = mod.atom;
      // x - x%n = n*(x/n)
      if (of.terms.every((t) => byKey.get(t.key)?.coefficient === -mod.coefficient * t.coefficient)) {
        const rest = terms.filter((t) => t !== mod && !of.terms.some((x) => x.key === t.key));
        const whole = of.div(by).times(-mod.coefficient * by);
        const left = constant + mod.coefficient * of.constant + whole.constant;
        return Index.make(left, [...rest, ...whole.terms]);
      }
      const quotient = of.div(by);
      // x%n + n*(x/n) = x. The quotient may itself have simplified to several terms: look for all of them.
      if (quotient.terms.length === 0) continue;
      const scale = mod.coefficient * by;
      const matches = quotient.terms.every((q) => byKey.get(q.key)?.coefficient === q.coefficient * scale);
      if (!matches) continue;
      const rest = terms.filter((t) => t !== mod && !quotient.terms.some((q) => q.key === t.key));
      const whole = of.times(mod.coefficient);
      return Index.make(constant - quotient.constant * scale + whole.constant, [...rest, ...whole.terms]);
    }
    terms.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    return new Index(constant, terms);
  }

  plus(other: Index | Axis | number): Index {
    const o = Index.of(other);
    if (o.terms.length === 0) return o.constant === 0 ? this : new Index(this.constant + o.constant, this.terms);
    if (this.terms.length === 0) return this.constant === 0 ? o : new Index(this.constant + o.constant, o.terms);
    return Index.make(this.constant + o.constant, [...this.terms, ...o.terms]);
  }

  minus(other: Index | Axis | number): Index {
    return this.plus(Index.of(other).times(-1));
  }

  times(factor: number): Index {
    if (factor === 1) return this;
    if (factor === 0) return Index.of(0);
    // What did not join before does not do so now: all coefficients stay in proportion.
    const terms = this.terms.map(({ coefficient, atom, key }) => ({ coefficient: coefficient * factor, atom, key }));
    return new Index(this.constant * factor + 0, terms); // never -0
  }

  /** Floor division by a positive constant. */
  div(by: number): Index {
    if (!Number.isInteger(by) || by <= 0) throw new Error(`division by ${by}`);
    if (by === 1) return this;
    const exact = Index.make(
      Math.floor(this.constant / by),
      this.terms.filter((t) => t.coefficient % by === 0).map((t) => ({ ...t, coefficient: t.coefficient / by })),
    );
    const rest = Index.make(
      this.constant - Math.floor(this.constant / by) * by,
      this.terms.filter((t) => t.coefficient % by !== 0),
    );
    const { low, high } = rest.interval();
    if (Math.floor(low / by) === Math.floor(high / by)) return exact.plus(Math.floor(low / by));
    // floor((g*a + r) / (g*m)) = floor(a / m) where 0 <= r < g
    const reduced = rest.splitBy(by);
    if (reduced) return exact.plus(reduced.quotient.div(by / reduced.divisor));
    const [only] = rest.terms;
    if (rest.terms.length === 1 && only.coefficient === 1 && rest.constant === 0 && only.atom.kind === "floorDiv")
      return exact.plus(only.atom.of.div(only.atom.by * by));
    return exact.plus(Index.atom({ kind: "floorDiv", of: rest, by }));
  }

  /** Remainder by a positive constant, in 0..by-1. */
  mod(by: number): Index {
    if (!Number.isInteger(by) || by <= 0) throw new Error(`remainder by ${by}`);
    if (by === 1) return Index.of(0);
    const rest = Index.make(
      ((this.constant % by) + by) % by,
      this.terms.filter((t) => t.coefficient % by !== 0),
    );
    const { low, high } = rest.interval();
    if (Math.floor(low / by) === Math.floor(high / by)) return rest.minus(Math.floor(low / by) * by);
    const reduced = rest.splitBy(by);
    if (reduced)
      return reduced.quotient
        .mod(by / reduced.divisor)
        .times(reduced.divisor)
        .plus(reduced.remainder);
    return Index.atom({ kind: "mod", of: rest, by });
  }

  /** this = divisor * quotient + remainder with divisor | by, divisor > 1 and 0 <= remainder < divisor, if there is one. */
  private splitBy(by: number): { divisor: number; quotient: Index; remainder: Index } | undefined {
    const divisors = new Set(this.terms.map((t) => gcd(t.coefficient, by)).filter((g) => g > 1 && g < by));
    for (const divisor of [...divisors].sort((a, b) => b - a)) {
      const constant = Math.floor(this.constant / divisor);
      const quotient = Index.make(
        constant,
        this.terms
          .filter((t) => t.coefficient % divisor === 0)
          .map((t) => ({ ...t, coefficient: t.coefficient / divisor })),
      );
      const remainder = Index.make(
        this.constant - constant * divisor,
        this.terms.filter((t) => t.coefficient % divisor !== 0),
      );
      const { low, high } = remainder.interval();
      if (low >= 0 && high < divisor) return { divisor, quotient, remainder };
    }
    return undefined;
  }

  clamp(low: number, high: number): Index {
    const range = this.interval();
    if (range.low >= low && range.high <= high) return this;
    if (range.high <= low) return Index.of(low);
    if (range.low >= high) return Index.of(high);
    return Index.atom({ kind: "clamp", of: this, low, high });
  }

  /** The least and the greatest value that the axes' extents allow (an over-estimate where atoms are correlated). */
  interval(): Interval {
    let low = this.constant;
    let high = this.constant;
    for (const { coefficient, atom } of this.terms) {
      const range = atomInterval(atom);
      low += coefficient * (coefficient > 0 ? range.low : range.high);
      high += coefficient * (coefficient > 0 ? range.high : range.low);
    }
    return { low, high };
  }

  /** Replaces axes; axes not in the map stay. */
  substitute(map: ReadonlyMap<Axis, Index>, mapScalar?: (s: Scalar) => Scalar): Index {
    let result = Index.of(this.constant);
    for (const { coefficient, atom } of this.terms) {
      result = result.plus(substituteAtom(atom, map, mapScalar).times(coefficient));
    }
    return result;
  }

  /** The axes read, also inside divisions and remainders (not inside data). */
  axes(into: Set<Axis> = new Set()): Set<Axis> {
    for (const { atom } of this.terms) {
      if (atom.kind === "axis") into.add(atom.axis);
      else if (atom.kind !== "data") atom.of.axes(into);
    }
    return into;
  }

  /** The coefficient of an axis where it stands alone; 0 where absent; undefined where it is inside another atom. */
  coefficientOf(axis: Axis): number | undefined {
    let coefficient = 0;
    for (const t of this.terms) {
      if (t.atom.kind === "axis") {
        if (t.atom.axis === axis) coefficient = t.coefficient;
      } else if (t.atom.kind !== "data" && t.atom.of.axes().has(axis)) return undefined;
    }
    return coefficient;
  }

  /** True where every atom is an axis. */
  isAffine(): boolean {
    return this.terms.every((t) => t.atom.kind === "axis");
  }

  isConstant(): boolean {
    return this.terms.length === 0;
  }

  equals(other: Index): boolean {
    return this.key === other.key;
  }

  /** The single axis that this is, if it is one. */
  asAxis(): Axis | undefined {
    const [t] = this.terms;
    return this.terms.length === 1 && this.constant === 0 && t.coefficient === 1 && t.atom.kind === "axis"
      ? t.atom.axis
      : undefined;
  }

  dataScalars(): Scalar[] {
    return this.terms.flatMap(({ atom }) =>
      atom.kind === "data" ? [atom.scalar] : atom.kind === "axis" ? [] : atom.of.dataScalars(),
    );
  }
}

const atomInterval = (atom: Atom): Interval => {
  switch (atom.kind) {
    case "axis":
      return { low: 0, high: atom.axis.extent - 1 };
    case "floorDiv": {
      const { low, high } = atom.of.interval();
      return { low: Math.floor(low / atom.by), high: Math.floor(high / atom.by) };
    }
    case "mod":
      return { low: 0, high: atom.by - 1 };
    case "clamp": {
      const { low, high } = atom.of.interval();
      const inside = (v: number) => Math.min(Math.max(v, atom.low), atom.high);
      return { low: inside(low), high: inside(high) };
    }
    case "data":
      return { low: atom.low, high: atom.high };
  }
};

const substituteAtom = (atom: Atom, map: ReadonlyMap<Axis, Index>, mapScalar?: (s: Scalar) => Scalar): Index => {
  switch (atom.kind) {
    case "axis":
      return map.get(atom.axis) ?? Index.of(atom.axis);
    case "floorDiv":
      return atom.of.substitute(map, mapScalar).div(atom.by);
    case "mod":
      return atom.of.substitute(map, mapScalar).mod(atom.by);
    case "clamp":
      return atom.of.substitute(map, mapScalar).clamp(atom.low, atom.high);
    case "data":
      return Index.data(mapScalar ? mapScalar(atom.scalar) : atom.scalar, atom.low, atom.high);
  }
};
