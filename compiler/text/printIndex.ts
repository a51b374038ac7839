/**
 * Indices as text, the same whatever the axes' ids: terms in the order of their axes, the constant last.
 * The parser rebuilds an index with the constructors that made it, so what is printed is already simplified.
 */
import type { Atom, Axis, Index, Term } from "../ir/index.ts";
import type { Local, Scalar } from "../ir/scalar.ts";
import { formatNumber, UniqueNames } from "./names.ts";

/** What a scalar's names may not be, since they mean something where a local may stand. */
export const reservedWords: readonly string[] = [
  "inf",
  "nan",
  "true",
  "false",
  "where",
  "else",
  "and",
  "or",
  "let",
  "in",
];

/** The names in force inside one definition or group. */
export class Scope {
  /** Axes stand in indices, locals and lets in scalars: names of both kinds may be the same. */
  private readonly axisNames = new UniqueNames();
  private readonly scalarNames = new UniqueNames(reservedWords);
  private readonly axes = new Map<Axis, { readonly name: string; readonly position: number }>();
  private readonly locals = new Map<Local, string>();
  private readonly lets = new Map<Scalar, string>();

  constructor(
    /** How the integer inside a data-dependent index prints. */
    readonly printScalar: (scalar: Scalar, scope: Scope) => string,
  ) {}

  bind(axis: Axis): string {
    const name = this.axisNames.give(axis.name);
    this.axes.set(axis, { name, position: this.axes.size });
    return name;
  }

  bindLocal(local: Local): string {
    const name = this.scalarNames.give(local.name);
    this.locals.set(local, name);
    return name;
  }

  bindLet(scalar: Scalar): string {
    const name = this.scalarNames.give("t");
    this.lets.set(scalar, name);
    return name;
  }

  /** What lets bind inside `f` holds inside it alone. */
  withLets<T>(f: () => T): T {
    const result = this.scalarNames.within(f);
    this.lets.clear();
    return result;
  }

  /** The names of axes that are bound inside `f` are free again behind it. */
  withAxes<T>(f: () => T): T {
    return this.axisNames.within(f);
  }

  letName(scalar: Scalar): string | undefined {
    return this.lets.get(scalar);
  }

  /** An axis that nothing binds is a fault of the program: it prints so that it is seen and does not parse. */
  axisName(axis: Axis): string {
    return this.axes.get(axis)?.name ?? `?${axis.name}`;
  }

  localName(local: Local): string {
    return this.locals.get(local) ?? `?${local.name}`;
  }

  position(axis: Axis): number {
    return this.axes.get(axis)?.position ?? this.axes.size;
  }
}

/** `4*i + p - 1` */
export function printIndex(index: Index, scope: Scope): string {
  const alone = index.terms.length === 1 && index.constant === 0 && index.terms[0].coefficient === 1;
  if (alone) return printAtom(index.terms[0].atom, scope);
  let text = "";
  for (const { term, atom } of ordered(index, scope)) {
    const factor = Math.abs(term.coefficient) === 1 ? "" : `${formatNumber(Math.abs(term.coefficient))}*`;
    text += sign(text, term.coefficient < 0) + factor + atom;
  }
  if (index.constant === 0 && text !== "") return text;
  return text + sign(text, index.constant < 0) + formatNumber(Math.abs(index.constant));
}

const sign = (before: string, negative: boolean): string =>
  before === "" ? (negative ? "-" : "") : negative ? " - " : " + ";

const kindRank: Record<Atom["kind"], number> = { axis: 0, floorDiv: 1, mod: 2, clamp: 3, data: 4 };

/** Terms by the first axis that they read, then by kind, then by text. */
function ordered(index: Index, scope: Scope): { readonly term: Term; readonly atom: string }[] {
  const rows = index.terms.map((term) => ({
    term,
    atom: printFactor(term.atom, scope),
    first: firstAxis(term.atom, scope),
    rank: kindRank[term.atom.kind],
  }));
  return rows.sort((a, b) => a.first - b.first || a.rank - b.rank || (a.atom < b.atom ? -1 : 1));
}

function firstAxis(atom: Atom, scope: Scope): number {
  if (atom.kind === "axis") return scope.position(atom.axis);
  if (atom.kind === "data") return Number.MAX_SAFE_INTEGER;
  return Math.min(Number.MAX_SAFE_INTEGER, ...[...atom.of.axes()].map((axis) => scope.position(axis)));
}

/** An atom as a factor or a term among others. */
function printFactor(atom: Atom, scope: Scope): string {
  const text = printAtom(atom, scope);
  return atom.kind === "floorDiv" || atom.kind === "mod" ? `(${text})` : text;
}

function printAtom(atom: Atom, scope: Scope): string {
  switch (atom.kind) {
    case "axis":
      return scope.axisName(atom.axis);
    case "floorDiv":
      return `${printOperand(atom.of, scope)} / ${atom.by}`;
    case "mod":
      return `${printOperand(atom.of, scope)} % ${atom.by}`;
    case "clamp":
      return `clamp(${printIndex(atom.of, scope)}, ${formatNumber(atom.low)}, ${formatNumber(atom.high)})`;
    case "data":
      return `data(${scope.printScalar(atom.scalar, scope)}, ${formatNumber(atom.low)}, ${formatNumber(atom.high)})`;
  }
}

const printOperand = (index: Index, scope: Scope): string =>
  index.asAxis() ? printIndex(index, scope) : `(${printIndex(index, scope)})`;
