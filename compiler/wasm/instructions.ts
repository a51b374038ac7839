/** Which WebAssembly instruction, or helper, an operation of the kernel IR is. */
import type { KernelExpr, KernelType } from "../ir/kernel.ts";
import type { ScalarType } from "../ir/scalar.ts";
import { lanewiseName } from "./helpers.ts";

export type WasmType = "i32" | "f32" | "v128";

/** What a value is held as; a bool is an i32 that is zero or not, four of them are lanes of all zeros or all ones. */
export const wasmType = ({ dtype, width }: KernelType): WasmType =>
  width === 4 ? "v128" : dtype === "f32" ? "f32" : "i32";

/** The prefix of instructions on a vector of that type. */
export const lanesOf = (dtype: ScalarType): "f32x4" | "i32x4" => (dtype === "f32" ? "f32x4" : "i32x4");

type BinaryOp = (KernelExpr & { kind: "binary" })["op"];

/** An instruction, a function to call, or one of two operands chosen by a comparison. */
export type Operation =
  | { readonly kind: "instruction"; readonly name: string }
  | { readonly kind: "call"; readonly name: string }
  | { readonly kind: "choose"; readonly comparison: string };

const instruction = (name: string): Operation => ({ kind: "instruction", name });

const scalarF32: Partial<Record<BinaryOp, string>> = {
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div",
  max: "max",
  min: "min",
  lt: "lt",
  le: "le",
  eq: "eq",
};

/** pmax and pmin are one instruction on x86, unlike max and min; all differ only in what they make of NaN and -0. */
const vectorF32: Partial<Record<BinaryOp, string>> = { ...scalarF32, max: "pmax", min: "pmin" };

const integer = (signed: boolean): Partial<Record<BinaryOp, string>> => ({
  add: "add",
  sub: "sub",
  mul: "mul",
  div: signed ? "div_s" : "div_u",
  mod: signed ? "rem_s" : "rem_u",
  lt: signed ? "lt_s" : "lt_u",
  le: signed ? "le_s" : "le_u",
  eq: "eq",
  bitAnd: "and",
  and: "and",
  or: "or",
  shiftRight: signed ? "shr_s" : "shr_u",
});

/** Instructions of i32 without a form for four lanes. */
const scalarOnly = new Set(["div_s", "div_u", "rem_s", "rem_u", "shr_s", "shr_u"]);

/** An operation on operands of a type; throws where the IR has no such operation. */
export function binaryOperation(op: BinaryOp, { dtype, width }: KernelType): Operation {
  const none = () => new Error(`${op} of ${dtype} has no instruction in WebAssembly`);
  if (dtype === "f32") {
    if (op === "pow") return { kind: "call", name: width === 4 ? "$pow_x4" : "$pow" };
    const name = (width === 4 ? vectorF32 : scalarF32)[op];
    if (!name) throw none();
    return instruction(`${width === 4 ? "f32x4" : "f32"}.${name}`);
  }
  const signed = dtype !== "u32";
  if (op === "max" || op === "min") {
    if (width === 4) return instruction(`i32x4.${op}_${signed ? "s" : "u"}`);
    return { kind: "choose", comparison: `i32.${op === "max" ? "ge" : "le"}_${signed ? "s" : "u"}` };
  }
  const name = integer(signed)[op];
  if (!name) throw none();
  if (width === 1) return instruction(`i32.${name}`);
  if (name === "and" || name === "or") return instruction(`v128.${name}`);
  return scalarOnly.has(name) ? { kind: "call", name: lanewiseName(`i32.${name}`) } : instruction(`i32x4.${name}`);
}
