/** Computes what is known: arithmetic of constants, x + 0, x * 1, and tensors that are a constant everywhere. */

import type { ExprProgram } from "../ir/expr.ts";
import { type BinaryOp, rewriteScalar, Scalar } from "../ir/scalar.ts";
import type { Value } from "../ir/types.ts";

/** A read of a constant tensor becomes its number where its guard cannot matter; the tensor itself may then be dead. */
export function foldConstants(program: ExprProgram): ExprProgram {
  const constants = new Map<Value, number>();
  const definitions = program.definitions.map((definition) => {
    const body = rewriteScalar(definition.body, (s) => fold(s, constants));
    if (!definition.reduction && body.node.kind === "constant") constants.set(definition.outputs[0], body.node.value);
    return { ...definition, body };
  });
  return { ...program, definitions };
}

const arithmetic: Partial<Record<BinaryOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: Math.max,
  min: Math.min,
};

const numberOf = (s: Scalar): number | undefined => (s.node.kind === "constant" ? s.node.value : undefined);

const fold = (s: Scalar, constants: ReadonlyMap<Value, number>): Scalar => {
  const n = s.node;
  if (n.kind === "read") {
    const value = constants.get(n.tensor);
    return value !== undefined && (n.guard.length === 0 || n.fill === value) ? Scalar.constant(value, s.dtype) : s;
  }
  if (n.kind !== "binary") return s;
  const [a, b] = [numberOf(n.a), numberOf(n.b)];
  const compute = arithmetic[n.op];
  if (a !== undefined && b !== undefined && compute && s.dtype === "f32") return Scalar.constant(compute(a, b), "f32");
  if (n.op === "mul" && a === 1) return n.b;
  if ((n.op === "mul" || n.op === "div") && b === 1) return n.a;
  if (n.op === "add" && a === 0) return n.b;
  if ((n.op === "add" || n.op === "sub") && b === 0) return n.a;
  return s;
};
