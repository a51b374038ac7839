/**
 * Kernels as text: the loop nest that one invocation runs, loops to be unrolled printed as loops.
 *
 * The form is unambiguous: a constant's spelling gives its type (`1` i32, `1u` u32, `1.0` f32, `true`), what is
 * indexed is a register array, a buffer or a workgroup array by its declaration.
 */
import type { Kernel, KernelBuffer, KernelExpr, KernelType, Statement } from "../ir/kernel.ts";
import type { KernelProgram } from "../ir/kernelProgram.ts";
import type { BinaryOp, ScalarType } from "../ir/scalar.ts";
import { formatType, type Value } from "../ir/types.ts";
import { formatLayout, formatLocation, formatName, formatNumber } from "./names.ts";
import { printProgram } from "./printProgram.ts";
import { calls, comparison, infix, printConstant } from "./printScalar.ts";

export const printKernelProgram = (program: KernelProgram): string =>
  printProgram(program, printKernels(program), {
    suffix: layoutsOf(program),
    mentioned: valuesIn(program),
    header: [`target ${formatName(program.target)}`],
  });

/** The values that kernels access. */
export const valuesIn = ({ kernels }: Pick<KernelProgram, "kernels">): Value[] =>
  kernels.flatMap((kernel) => kernel.buffers.map((b) => b.value));

/** The kernels of a program one after another, an empty line between them. */
export const printKernels = (program: Pick<KernelProgram, "kernels" | "layouts">): string =>
  program.kernels
    .map((kernel) => printKernel(kernel, layoutsOf(program)))
    .join("\n")
    .trimEnd();

export const layoutsOf =
  ({ layouts }: Pick<KernelProgram, "layouts">) =>
  (value: Value): string =>
    formatLayout(layouts.get(value), value);

/** One kernel: what it needs, then its body. Ends in a newline. `suffix` is what stands behind a value's type. */
export function printKernel(kernel: Kernel, suffix: (value: Value) => string = () => ""): string {
  const [x, y, z] = kernel.workgroups;
  const subgroup = kernel.subgroupSize === undefined ? "" : ` subgroup ${kernel.subgroupSize}`;
  const executed = kernel.executedOperations === undefined ? "" : ` executed ${kernel.executedOperations}`;
  const { kind, ...parameters } = kernel.schedule;
  const lines = [
    `kernel ${formatName(kernel.name)} workgroups [${x}, ${y}, ${z}] size ${kernel.workgroupSize}${subgroup} {`,
    `  schedule ${[kind, ...Object.entries(parameters).map(([k, v]) => `${k}=${printParameter(v)}`)].join(" ")}`,
    `  operations ${kernel.operations}${executed}`,
  ];
  if (kernel.algorithm !== undefined) lines.push(`  algorithm ${formatName(kernel.algorithm)}`);
  if (kernel.ops.length > 0) lines.push(`  ops ${kernel.ops.map(formatName).join(", ")}`);
  if (kernel.locations.length > 0) lines.push(`  from${kernel.locations.map(formatLocation).join("")}`);
  for (const b of kernel.buffers) lines.push(`  ${printBuffer(b)}${suffix(b.value)}`);
  for (const a of kernel.shared) lines.push(`  shared ${a.name}: ${printType(a.type)}[${a.length}]`);
  if (kernel.uniforms.length > 0) lines.push(`  uniforms ${kernel.uniforms.join(", ")}`);
  for (const [written, read] of kernel.inPlace)
    lines.push(`  inPlace %${formatName(written.name)} over %${formatName(read.name)}`);
  lines.push("", ...printBody(kernel.body, 1), "}", "");
  return lines.join("\n");
}

/** Words as they are, other text in quotes. */
const printParameter = (value: string | number | boolean): string =>
  typeof value === "string" && value !== "true" && value !== "false" ? formatName(value) : `${value}`;

const printBuffer = (b: KernelBuffer): string => {
  const access = [...(b.reads ? ["read"] : []), ...(b.writes ? ["write"] : [])].join(" ");
  return `${b.storage ?? "buffer"} ${b.name}: ${printType(b)}[${b.length}] ${access} of %${formatName(b.value.name)}: ${formatType(b.value.type)}`;
};

/** `f32`, `f32x4` */
export const printType = (t: { dtype: ScalarType; width: number }): string =>
  t.width === 1 ? t.dtype : `${t.dtype}x${t.width}`;

const printBody = (body: readonly Statement[], depth: number): string[] =>
  body.flatMap((s) => {
    const indent = "  ".repeat(depth);
    const head = indent + printStatementHead(s);
    if (s.kind === "for") return [head, ...printBody(s.body, depth + 1), `${indent}}`];
    if (s.kind !== "if") return [head];
    const otherwise = s.otherwise ? [`${indent}} else {`, ...printBody(s.otherwise, depth + 1)] : [];
    return [head, ...printBody(s.then, depth + 1), ...otherwise, `${indent}}`];
  });

/** A statement, of a loop or an `if` the first line. */
export function printStatementHead(s: Statement): string {
  switch (s.kind) {
    case "let":
      return `let ${s.name}: ${printType(s.value)} = ${printExpression(s.value)}`;
    case "registers": {
      const initial = printInitial(s.initial, s.type);
      return `${s.indexed ? "indexed " : ""}registers ${s.name}: ${printType(s.type)}${s.shape.map((n) => `[${n}]`).join("")} = ${initial}`;
    }
    case "assign":
      return `${s.register}${printIndices(s.index)} = ${printExpression(s.value)}`;
    case "store":
      return `${s.buffer}[${printExpression(s.index)}] = ${printExpression(s.value)}`;
    case "sharedStore":
      return `${s.array}[${printExpression(s.index)}] = ${printExpression(s.value)}`;
    case "for": {
      const step = s.step === 1 ? "" : ` step ${s.step}`;
      const range = `${printExpression(s.from)}..${printExpression(s.to)}`;
      return `${s.unroll ? "unroll" : "for"} ${s.variable} in ${range}${step} {`;
    }
    case "if":
      return `if ${printExpression(s.condition)} {`;
    case "barrier":
      return "barrier";
  }
}

const printIndices = (index: readonly KernelExpr[]): string => index.map((i) => `[${printExpression(i)}]`).join("");

const operators = { ...infix, mod: infix.div! };
const signs: Readonly<Partial<Record<BinaryOp | "mod", string>>> = { mod: "%" };
const prefix = 8;
const postfix = 9;

/** An expression; parenthesised where it binds looser than `level`. */
export function printExpression(e: KernelExpr, level = 0): string {
  const wrap = (own: number, text: string) => (own < level ? `(${text})` : text);
  const call = (name: string, ...parts: readonly KernelExpr[]) =>
    `${name}(${parts.map((p) => printExpression(p)).join(", ")})`;
  switch (e.kind) {
    case "constant": {
      const text = printTyped(e.value, e);
      return text.startsWith("-") ? wrap(prefix, text) : text;
    }
    case "variable":
      return e.name;
    case "register":
      return `${e.name}${printIndices(e.index)}`;
    case "builtin":
      return e.dtype === "i32" ? e.name : `${e.name}:${e.dtype}`;
    case "load":
      return `${e.buffer}[${printExpression(e.index)}]`;
    case "sharedLoad":
      return `${e.array}[${printExpression(e.index)}]`;
    case "uniform":
      return `uniform(${e.name})`;
    case "broadcast":
      return call("broadcast", e.value, e.lane);
    case "component":
      return e.index.kind === "constant" && e.index.value in [0, 1, 2, 3]
        ? `${printExpression(e.of, postfix)}.${"xyzw"[e.index.value]}`
        : call("component", e.of, e.index);
    case "vector":
      return call(printType(e), ...e.parts);
    case "splat":
      return call("splat", e.of);
    case "unary":
      if (e.op !== "neg") return call(calls[e.op], e.a);
      // -3.0 is a constant; the negation of one is -(3.0).
      return wrap(prefix, `-${e.a.kind === "constant" ? `(${printExpression(e.a)})` : printExpression(e.a, postfix)}`);
    case "binary": {
      const operator = operators[e.op];
      if (!operator) return call(e.op, e.a, e.b);
      const { level } = operator;
      const a = printExpression(e.a, level === comparison ? level + 1 : level);
      return wrap(level, `${a} ${signs[e.op] ?? operator.symbol} ${printExpression(e.b, level + 1)}`);
    }
    case "fma":
      return call("fma", e.a, e.b, e.c);
    case "select":
      return call("select", e.condition, e.a, e.b);
    case "random":
      return `random(${e.stream}, ${printExpression(e.element)})`;
  }
}

/** `1.0`, `1u`, `f32x4(1.0)` */
const printTyped = (value: number, type: KernelType): string => {
  const one = printInitial(value, type);
  return type.width === 1 ? one : `${printType(type)}(${one})`;
};

/** A number that is none of its type is printed as it is: the verifier's message has to show it. */
const printInitial = (value: number, { dtype }: KernelType): string => {
  const fits = dtype === "f32" || (dtype === "bool" ? value === 0 || value === 1 : Number.isSafeInteger(value));
  return fits ? printConstant(value, dtype) : formatNumber(value);
};
