/** Constructors of kernel expressions that fold constants, so that what a schedule makes prints short. */
import type { Builtin, KernelExpr, Width } from "./kernel.ts";
import type { BinaryOp, ScalarType, UnaryOp, UniformName } from "./scalar.ts";
import type { DType } from "./types.ts";

export const int = (value: number): KernelExpr => ({ kind: "constant", value, dtype: "i32", width: 1 });

export const constant = (value: number, dtype: ScalarType): KernelExpr => ({
  kind: "constant",
  value,
  dtype,
  width: 1,
});

export const variable = (name: string, dtype: ScalarType = "i32", width: Width = 1): KernelExpr => ({
  kind: "variable",
  name,
  dtype,
  width,
});

export const register = (
  name: string,
  index: readonly KernelExpr[],
  dtype: ScalarType = "f32",
  width: Width = 1,
): KernelExpr => ({ kind: "register", name, index, dtype, width });

export const builtin = (name: Builtin): KernelExpr => ({ kind: "builtin", name, dtype: "i32", width: 1 });

export const load = (buffer: string, index: KernelExpr, dtype: DType, width: Width): KernelExpr => ({
  kind: "load",
  buffer,
  index,
  dtype,
  width,
});

export const uniform = (name: UniformName, dtype: ScalarType): KernelExpr => ({
  kind: "uniform",
  name,
  dtype,
  width: 1,
});

export const component = (of: KernelExpr, index: KernelExpr): KernelExpr => {
  if (of.kind === "splat") return of.of;
  if (of.kind === "vector" && index.kind === "constant") return of.parts[index.value];
  return { kind: "component", of, index, dtype: of.dtype, width: 1 };
};

export const broadcast = (value: KernelExpr, lane: KernelExpr): KernelExpr => ({
  kind: "broadcast",
  value,
  lane,
  dtype: value.dtype,
  width: value.width,
});

export const vector = (parts: readonly KernelExpr[]): KernelExpr =>
  parts.every((p) => p === parts[0]) ? splat(parts[0]) : { kind: "vector", parts, dtype: parts[0].dtype, width: 4 };

export const splat = (of: KernelExpr): KernelExpr =>
  of.width === 4 ? of : { kind: "splat", of, dtype: of.dtype, width: 4 };

export const fma = (a: KernelExpr, b: KernelExpr, c: KernelExpr): KernelExpr => ({
  kind: "fma",
  a,
  b,
  c,
  dtype: c.dtype,
  width: c.width,
});

export const unary = (op: UnaryOp, a: KernelExpr, dtype: ScalarType): KernelExpr => ({
  kind: "unary",
  op,
  a,
  dtype,
  width: a.width,
});

/** Scalars are splat where the other side is a vector. */
export const binary = (op: BinaryOp | "mod", a: KernelExpr, b: KernelExpr, dtype: ScalarType): KernelExpr => {
  const width: Width = a.width === 4 || b.width === 4 ? 4 : 1;
  return {
    kind: "binary",
    op,
    a: width === 4 ? splat(a) : a,
    b: width === 4 ? splat(b) : b,
    dtype,
    width,
  };
};

export const select = (condition: KernelExpr, a: KernelExpr, b: KernelExpr): KernelExpr => {
  const width: Width = condition.width === 4 || a.width === 4 || b.width === 4 ? 4 : 1;
  return {
    kind: "select",
    condition,
    a: width === 4 ? splat(a) : a,
    b: width === 4 ? splat(b) : b,
    dtype: a.dtype,
    width,
  };
};

// ---------------------------------------------------------------- i32 arithmetic

const isConstant = (e: KernelExpr, value?: number): e is KernelExpr & { kind: "constant" } =>
  e.kind === "constant" && (value === undefined || e.value === value);

export const add = (a: KernelExpr, b: KernelExpr): KernelExpr => {
  if (isConstant(a) && isConstant(b)) return int(a.value + b.value);
  if (isConstant(a, 0)) return b;
  if (isConstant(b, 0)) return a;
  if (isConstant(b) && b.value < 0) return binary("sub", a, int(-b.value), "i32");
  return binary("add", a, b, "i32");
};

export const multiply = (a: KernelExpr, factor: number): KernelExpr => {
  if (isConstant(a)) return int(a.value * factor);
  if (factor === 1) return a;
  if (factor === 0) return int(0);
  return binary("mul", a, int(factor), "i32");
};

/** a / by for a >= 0. */
export const divide = (a: KernelExpr, by: number): KernelExpr => {
  if (isConstant(a)) return int(Math.floor(a.value / by));
  return by === 1 ? a : binary("div", a, int(by), "i32");
};

/** a % by for a >= 0. */
export const remainder = (a: KernelExpr, by: number): KernelExpr => {
  if (isConstant(a)) return int(a.value % by);
  return by === 1 ? int(0) : binary("mod", a, int(by), "i32");
};

export const lessThan = (a: KernelExpr, b: KernelExpr): KernelExpr => binary("lt", a, b, "bool");
export const atMost = (a: KernelExpr, b: KernelExpr): KernelExpr => binary("le", a, b, "bool");
export const equal = (a: KernelExpr, b: KernelExpr): KernelExpr => binary("eq", a, b, "bool");
export const both = (a: KernelExpr | undefined, b: KernelExpr): KernelExpr => (a ? binary("and", a, b, "bool") : b);
