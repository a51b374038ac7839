/** Integer expressions at one point: what indices, bounds and conditions are for given builtins and loop variables. */
import type { Builtin, KernelExpr, Statement } from "../kernel.ts";
import { type Enclosing, type Scope, visitExpression } from "../kernelTree.ts";

/** Values at one point; undefined where unknown. */
export interface Point {
  readonly loop: (name: string) => number | undefined;
  readonly builtin: (name: Builtin) => number | undefined;
}

/**
 * The value of a scalar expression of i32, u32 or bool (1 or 0); undefined where it depends on memory, registers,
 * uniforms or floating point. Lets are followed to their definitions through `scope`.
 */
export function evaluateInteger(e: KernelExpr, scope: Scope, point: Point): number | undefined {
  if (e.width !== 1 || e.dtype === "f32") return undefined;
  const again = (x: KernelExpr) => evaluateInteger(x, scope, point);
  const wrap = (v: number) => (e.dtype === "u32" ? v >>> 0 : e.dtype === "i32" ? v | 0 : v);
  switch (e.kind) {
    case "constant":
      return e.value;
    case "builtin":
      return point.builtin(e.name);
    case "variable": {
      const found = scope.find(e.name);
      return found?.kind === "let" ? again(found.statement.value) : point.loop(e.name);
    }
    case "select": {
      const condition = again(e.condition);
      return condition === undefined ? undefined : again(condition ? e.a : e.b);
    }
    case "unary": {
      const a = again(e.a);
      if (a === undefined) return undefined;
      if (e.op === "neg") return wrap(-a);
      if (e.op === "abs") return wrap(Math.abs(a));
      return e.op === "toI32" || e.op === "toU32" ? wrap(a) : undefined;
    }
    case "binary": {
      const a = again(e.a);
      const b = again(e.b);
      return a === undefined || b === undefined ? undefined : wrap(apply(e.op, a, b));
    }
    default:
      return undefined;
  }
}

function apply(op: (KernelExpr & { kind: "binary" })["op"], a: number, b: number): number {
  switch (op) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return Math.imul(a, b);
    case "div":
      return b === 0 ? a : Math.trunc(a / b);
    case "mod":
      return b === 0 ? 0 : a % b;
    case "max":
      return Math.max(a, b);
    case "min":
      return Math.min(a, b);
    case "lt":
      return Number(a < b);
    case "le":
      return Number(a <= b);
    case "eq":
      return Number(a === b);
    case "and":
      return Number(a !== 0 && b !== 0);
    case "or":
      return Number(a !== 0 || b !== 0);
    case "bitAnd":
      return a & b;
    case "shiftRight":
      return a >= 0 ? Math.floor(a / 2 ** (b & 31)) : a >> b;
    case "pow":
      return a ** b;
  }
}

const noBuiltin = () => undefined;
const enumerationLimit = 1 << 16;

/** Whether an expression is constant once loops are unrolled: made of constants and unrolled loops' variables. */
export function isConstantUnrolled(e: KernelExpr, scope: Scope): boolean {
  let constant = true;
  visitExpression(e, (x) => {
    if (x.kind === "variable") {
      const found = scope.find(x.name);
      if (!(found?.kind === "loop" && found.statement.unroll)) constant = false;
    } else if (!["constant", "unary", "binary", "select"].includes(x.kind)) constant = false;
  });
  return constant;
}

/**
 * Every value that a constant expression takes as the unrolled loops around it run, until `visit` returns false.
 * Stops silently after 65,536 of them.
 */
export function eachUnrolledValue(
  e: KernelExpr,
  scope: Scope,
  path: readonly Enclosing[],
  visit: (value: number | undefined, at: ReadonlyMap<string, number>) => boolean,
): void {
  const loops = path.flatMap(({ statement }) => (statement.kind === "for" && statement.unroll ? [statement] : []));
  const needed = neededLoops(e, loops);
  const values = new Map<string, number>();
  const point: Point = { loop: (name) => values.get(name), builtin: noBuiltin };
  let left = enumerationLimit;
  const run = (depth: number): boolean => {
    if (depth === needed.length) return left-- > 0 && visit(evaluateInteger(e, scope, point), values);
    const loop = needed[depth];
    const from = evaluateInteger(loop.from, scope, point);
    const to = evaluateInteger(loop.to, scope, point);
    if (from === undefined || to === undefined) return true;
    for (let v = from; v < to; v += loop.step) {
      values.set(loop.variable, v);
      if (!run(depth + 1)) return false;
    }
    values.delete(loop.variable);
    return true;
  };
  run(0);
}

type Loop = Extract<Statement, { kind: "for" }>;

/** The loops whose variables an expression uses, and those that their bounds use, outermost first. */
function neededLoops(e: KernelExpr, loops: readonly Loop[]): Loop[] {
  const names = new Set<string>();
  const collect = (x: KernelExpr) =>
    visitExpression(x, (y) => {
      if (y.kind === "variable") names.add(y.name);
    });
  collect(e);
  for (const loop of loops.toReversed())
    if (names.has(loop.variable)) {
      collect(loop.from);
      collect(loop.to);
    }
  return loops.filter((l) => names.has(l.variable));
}

/** `u = 3, v = 0`, to name a point in a message. */
export const formatPoint = (values: ReadonlyMap<string, number>): string =>
  [...values].map(([name, value]) => `${name} = ${value}`).join(", ");
