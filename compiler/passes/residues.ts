/**
 * Sums over window positions p with a condition (e - p) % s == 0, as gradients of strided windows have them: of s
 * neighbouring positions one alone counts, so p becomes (e % s) + s p' with p' over a s-th of the positions.
 */
import type { Definition, ExprProgram } from "../ir/expr.ts";
import { Axis, Index } from "../ir/index.ts";
import { type Condition, readsOf, rewriteScalar, Scalar, substituteAxes, visitScalar } from "../ir/scalar.ts";

export function residues(program: ExprProgram): ExprProgram {
  return { ...program, definitions: program.definitions.map(rewrite) };
}

function rewrite(d: Definition): Definition {
  if (d.reduction?.combiner !== "sum" || !vanishes(d.body)) return d;
  let { body } = d;
  const axes = d.reduction.axes.map((p) => {
    const found = strideOf(p, body);
    if (!found) return p;
    const { rest, by } = found;
    const turns = new Axis(p.name, Math.ceil(p.extent / by));
    const position = rest.mod(by).plus(Index.of(turns).times(by));
    body = substituteAxes(body, new Map([[p, position]]));
    // e - p is a multiple of s now; what is new is that p may pass its end.
    const inside = Index.of(p.extent - 1).minus(position);
    body = mapGuards(body, (guard) => {
      const open = guard.filter((c) => !(c.kind === "divisible" && c.by === by && divides(c.index, by)));
      if (open.length === guard.length) return guard;
      return position.interval().high < p.extent ? open : [...open, { kind: "nonNegative", index: inside }];
    });
    return turns;
  });
  return { ...d, reduction: { combiner: "sum", axes }, body };
}

/** The rest e and stride s where every read has the condition (e - p) % s == 0, and p stands nowhere else in a way that the change would harm. */
function strideOf(p: Axis, body: Scalar): { rest: Index; by: number } | undefined {
  const reads = readsOf(body);
  let found: { rest: Index; by: number } | undefined;
  for (const read of reads) {
    const mine = read.guard.filter((c) => c.index.axes().has(p));
    const divisible = mine.filter((c): c is Condition & { kind: "divisible" } => c.kind === "divisible");
    if (divisible.length !== 1) return undefined;
    const [{ index, by }] = divisible;
    if (index.coefficientOf(p) !== -1) return undefined;
    const rest = index.plus(p);
    if (found && (found.by !== by || !found.rest.equals(rest))) return undefined;
    found = { rest, by };
  }
  return found;
}

/** Whether an index is a multiple of `by` wherever it is read. */
const divides = (index: Index, by: number): boolean => {
  const remainder = index.mod(by);
  return remainder.isConstant() && remainder.constant === 0;
};

const mapGuards = (body: Scalar, f: (guard: readonly Condition[]) => readonly Condition[]): Scalar =>
  rewriteScalar(body, (s) => (s.node.kind === "read" ? new Scalar({ ...s.node, guard: f(s.node.guard) }, s.dtype) : s));

/** Whether the term is 0 where its reads do not take place: products and choices of guarded reads with fill 0. */
function vanishes(s: Scalar): boolean {
  let guarded = true;
  visitScalar(s, (x) => {
    if (x.node.kind === "read" && x.node.fill !== 0) guarded = false;
  });
  return guarded && zeroWhenUnread(s);
}

function zeroWhenUnread(s: Scalar): boolean {
  const n = s.node;
  switch (n.kind) {
    case "read":
      return n.guard.length > 0;
    case "constant":
      return n.value === 0;
    case "binary":
      if (n.op === "mul") return zeroWhenUnread(n.a) || zeroWhenUnread(n.b);
      return n.op === "div" && zeroWhenUnread(n.a);
    case "select":
      return zeroWhenUnread(n.a) && zeroWhenUnread(n.b);
    default:
      return false;
  }
}
