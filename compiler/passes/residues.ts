/**
 * Sums over window positions p where a term counts only if (e - p) % s == 0, as gradients of strided windows have them:
 * of s neighbouring positions one alone counts, so p becomes (e % s) + s p' with p' over a s-th of the positions.
 */
import type { Definition, ExprProgram } from "../ir/expr.ts";
import { Axis, Index } from "../ir/index.ts";
import {
  type Condition,
  type ReadNode,
  readsOf,
  rewriteScalar,
  Scalar,
  substituteAxes,
  visitScalar,
} from "../ir/scalar.ts";

export function residues(program: ExprProgram): ExprProgram {
  return { ...program, definitions: program.definitions.map(rewrite) };
}

function rewrite(d: Definition): Definition {
  if (d.reduction?.combiner !== "sum") return d;
  let { body } = d;
  const axes = d.reduction.axes.map((p) => {
    const found = strideOf(p, body);
    if (!found) return p;
    const { rest, by } = found;
    const turns = new Axis(p.name, Math.ceil(p.extent / by));
    const position = rest.mod(by).plus(Index.of(turns).times(by));
    const { low, high } = position.interval();
    // Then no position counts.
    if (low >= p.extent) return p;
    // What is new is that p may pass its end.
    const ends = high < p.extent;
    const inside: Condition = { kind: "nonNegative", index: Index.of(p.extent - 1).minus(p) };
    const guarded = mapGuards(body, (read) => (ends || !reads(read, p) ? read.guard : [...read.guard, inside]));
    // e - p is a multiple of s now.
    const holds = (c: Condition) => c.kind === "divisible" && c.by === by && isMultiple(c.index, by);
    body = mapGuards(substituteAxes(guarded, new Map([[p, position]])), (read) => read.guard.filter((c) => !holds(c)));
    return turns;
  });
  return { ...d, reduction: { combiner: "sum", axes }, body };
}

type Divisible = Condition & { kind: "divisible" };

/**
 * The rest e and stride s of the condition (e - p) % s == 0 without which the term is 0. Reads without it, as of a weight
 * at every position, are no hindrance: the term counts only where all are read.
 */
function strideOf(p: Axis, body: Scalar): { rest: Index; by: number } | undefined {
  const isMine = (c: Condition): c is Divisible => c.kind === "divisible" && c.index.axes().has(p);
  const conditions = readsOf(body).flatMap((read) => read.guard.filter(isMine));
  const [first] = conditions;
  if (first?.index.coefficientOf(p) !== -1) return undefined;
  if (!conditions.every((c) => c.by === first.by && c.index.equals(first.index))) return undefined;
  if (!vanishes(body, (read) => read.guard.some(isMine)) || computesIndices(body)) return undefined;
  return { rest: first.index.plus(p), by: first.by };
}

/** Whether indices are computed from data: positions inside those are not replaced. */
function computesIndices(body: Scalar): boolean {
  let found = false;
  visitScalar(body, ({ node: n }) => {
    const indices = n.kind === "read" ? n.index : n.kind === "index" ? [n.index] : [];
    if (indices.some((i) => i.dataScalars().length > 0)) found = true;
  });
  return found;
}

const reads = ({ index, guard }: ReadNode, axis: Axis): boolean =>
  [...index, ...guard.map((c) => c.index)].some((i) => i.axes().has(axis));

/** Whether an index is a multiple of `by` wherever it is read. */
const isMultiple = (index: Index, by: number): boolean => {
  const remainder = index.mod(by);
  return remainder.isConstant() && remainder.constant === 0;
};

const mapGuards = (body: Scalar, f: (read: ReadNode) => readonly Condition[]): Scalar =>
  rewriteScalar(body, (s) => (s.node.kind === "read" ? new Scalar({ ...s.node, guard: f(s.node) }, s.dtype) : s));

/** Whether the term is 0 where the reads that `some` names do not take place: products and choices of reads with fill 0. */
function vanishes(s: Scalar, some: (read: ReadNode) => boolean): boolean {
  const n = s.node;
  switch (n.kind) {
    case "read":
      return n.fill === 0 && some(n);
    case "constant":
      return n.value === 0;
    case "binary":
      if (n.op === "mul") return vanishes(n.a, some) || vanishes(n.b, some);
      return n.op === "div" && vanishes(n.a, some);
    case "select":
      return vanishes(n.a, some) && vanishes(n.b, some);
    default:
      return false;
  }
}
