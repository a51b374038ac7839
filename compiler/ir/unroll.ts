/** What printers share: loops that are unrolled while printing, and what is constant then. */
import type { KernelExpr } from "./kernel.ts";

/** Values of the variables of unrolled loops, by name. */
export type Constants = ReadonlyMap<string, number>;

/** The value of an integer expression over constants and unrolled loop variables; undefined where it varies. */
export function fold(e: KernelExpr, constants: Constants): number | undefined {
  if (e.kind === "constant") return e.value;
  if (e.kind === "variable") return constants.get(e.name);
  if (e.kind !== "binary") return undefined;
  const a = fold(e.a, constants);
  if (a === undefined) return undefined;
  const b = fold(e.b, constants);
  if (b === undefined) return undefined;
  switch (e.op) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return a * b;
    case "div":
      return Math.trunc(a / b);
    case "mod":
      return a % b;
    case "max":
      return Math.max(a, b);
    case "min":
      return Math.min(a, b);
    default:
      return undefined;
  }
}

/** Every index of an array of that shape, row-major. */
export function* positions(shape: readonly number[]): Generator<number[]> {
  const [extent, ...rest] = shape;
  if (extent === undefined) return yield [];
  for (let i = 0; i < extent; i++) for (const p of positions(rest)) yield [i, ...p];
}

/** The turns of an unrolled loop: `constants` with its variable's value. Throws where its bounds vary. */
export function* turns(
  loop: { readonly variable: string; readonly from: KernelExpr; readonly to: KernelExpr; readonly step: number },
  constants: Constants,
): Generator<Constants> {
  const [from, to] = [fold(loop.from, constants), fold(loop.to, constants)];
  if (from === undefined || to === undefined) throw new Error(`unrolled loop ${loop.variable} has bounds that vary`);
  for (let value = from; value < to; value += loop.step) yield new Map(constants).set(loop.variable, value);
}
