/** JavaScript for the arithmetic of kernels: f32 as float64, i32 and u32 exactly, as WGSL defines them. */
import type { KernelExpr } from "../ir/kernel.ts";
import type { ScalarType, UnaryOp } from "../ir/scalar.ts";

export type BinaryName = (KernelExpr & { kind: "binary" })["op"];

export const arrayType: Readonly<Record<ScalarType, string>> = {
  f32: "Float64Array",
  i32: "Int32Array",
  u32: "Uint32Array",
  bool: "Uint8Array",
};

/** What generated code calls. Float to integer saturates. */
export const helpers = `
const floatToI32 = (x) => (x >= 2147483647 ? 2147483647 : x <= -2147483648 ? -2147483648 : x | 0);
const floatToU32 = (x) => (x >= 4294967295 ? 4294967295 : x <= 0 ? 0 : x >>> 0);
`;

export function literal(value: number, dtype: ScalarType): string {
  if (dtype === "bool") return value === 0 ? "false" : "true";
  if (Object.is(value, -0)) return "(-0)";
  return value < 0 ? `(${value})` : `${value}`;
}

/** An expression of JavaScript whose value has exactly the type: from a number in memory, or arithmetic on numbers. */
export const wrapTo = (text: string, dtype: ScalarType): string =>
  dtype === "i32" ? `(${text} | 0)` : dtype === "u32" ? `(${text} >>> 0)` : `(${text})`;

export function unaryText(op: UnaryOp, a: string, from: ScalarType, to: ScalarType): string {
  switch (op) {
    case "neg":
      return wrapTo(`-${a}`, to);
    case "abs":
      return wrapTo(`Math.abs(${a})`, to);
    case "exp":
    case "log":
    case "sqrt":
    case "floor":
      return `Math.${op}(${a})`;
    case "toF32":
      return from === "bool" ? `(${a} ? 1 : 0)` : a;
    case "toI32":
    case "toU32":
      if (from === "bool") return `(${a} ? 1 : 0)`;
      if (from === "f32") return `float${op.slice(2) === "I32" ? "ToI32" : "ToU32"}(${a})`;
      return wrapTo(a, to);
  }
}

/** a op b for operands of one type. */
export function binaryText(op: BinaryName, a: string, b: string, dtype: ScalarType): string {
  const float = dtype === "f32";
  switch (op) {
    case "add":
      return wrapTo(`${a} + ${b}`, dtype);
    case "sub":
      return wrapTo(`${a} - ${b}`, dtype);
    case "mul":
      return float ? `(${a} * ${b})` : wrapTo(`Math.imul(${a}, ${b})`, dtype);
    case "div":
      return float ? `(${a} / ${b})` : `(${b} === 0 ? ${a} : ${wrapTo(`${a} / ${b}`, dtype)})`;
    case "mod":
      return float ? `(${a} % ${b})` : `(${b} === 0 ? 0 : ${wrapTo(`${a} % ${b}`, dtype)})`;
    case "max":
    case "min":
      return `Math.${op}(${a}, ${b})`;
    case "pow":
      return wrapTo(`${a} ** ${b}`, dtype);
    case "lt":
      return `(${a} < ${b})`;
    case "le":
      return `(${a} <= ${b})`;
    case "eq":
      return `(${a} === ${b})`;
    case "and":
      return `(${a} && ${b})`;
    case "or":
      return `(${a} || ${b})`;
    case "bitAnd":
      return wrapTo(`${a} & ${b}`, dtype);
    case "shiftRight":
      return dtype === "u32" ? `(${a} >>> ${b})` : `(${a} >> ${b})`;
  }
}
