/** Scalar expressions as text: infix with the fewest brackets, long ones over several lines. */
import type { BinaryOp, Condition, ReadNode, Scalar, ScalarType, UnaryOp } from "../ir/scalar.ts";
import { block, type Doc, lines, oneLine } from "./layout.ts";
import { formatName, formatNumber } from "./names.ts";
import { printIndex, Scope } from "./printIndex.ts";

/** Infix operators and how tightly they bind; comparisons do not chain. */
export const infix: Readonly<Partial<Record<BinaryOp, { readonly symbol: string; readonly level: number }>>> = {
  or: { symbol: "or", level: 1 },
  and: { symbol: "and", level: 2 },
  lt: { symbol: "<", level: 3 },
  le: { symbol: "<=", level: 3 },
  eq: { symbol: "==", level: 3 },
  bitAnd: { symbol: "&", level: 4 },
  shiftRight: { symbol: ">>", level: 5 },
  add: { symbol: "+", level: 6 },
  sub: { symbol: "-", level: 6 },
  mul: { symbol: "*", level: 7 },
  div: { symbol: "/", level: 7 },
};
export const comparison = 3;
const prefixLevel = 8;
const primaryLevel = 9;

/** Functions of one argument. */
export const calls: Readonly<Record<Exclude<UnaryOp, "neg">, string>> = {
  exp: "exp",
  log: "log",
  sqrt: "sqrt",
  abs: "abs",
  floor: "floor",
  toF32: "f32",
  toI32: "i32",
  toU32: "u32",
};

export const newScope = (): Scope => new Scope(printScalar);

/** On one line. */
export const printScalar = (scalar: Scalar, scope: Scope): string => oneLine(docOf(scalar, scope));

/** Over several lines where it is long: it begins at `column`, further lines at `indent`. */
export const printScalarLines = (scalar: Scalar, scope: Scope, indent: number, column: number): string => {
  const doc = docOf(scalar, scope);
  const text = lines(doc, indent, column);
  return text.includes("\n") ? `\n${" ".repeat(indent)}${lines(doc, indent)}` : text;
};

function levelOf(scalar: Scalar): number {
  const n = scalar.node;
  if (n.kind === "unary" && n.op === "neg") return prefixLevel;
  return n.kind === "binary" ? (infix[n.op]?.level ?? primaryLevel) : primaryLevel;
}

function docOf(scalar: Scalar, scope: Scope): Doc {
  const n = scalar.node;
  const operand = (s: Scalar, level: number): Doc =>
    levelOf(s) >= level ? docOf(s, scope) : block("(", [{ before: "", doc: docOf(s, scope) }], ")");
  const call = (name: string, ...args: Scalar[]): Doc =>
    block(
      `${name}(`,
      args.map((arg, i) => ({ before: i === 0 ? "" : ", ", doc: docOf(arg, scope) })),
      ")",
    );
  switch (n.kind) {
    case "constant":
      return printConstant(n.value, scalar.dtype);
    case "read":
      return printRead(n, scope);
    case "index":
      return `index(${printIndex(n.index, scope)})`;
    case "uniform":
      return `uniform(${n.name})`;
    case "local":
      return scope.localName(n.local);
    case "random":
      return `random(${n.stream}, ${printIndex(n.element, scope)})`;
    case "select":
      return call("select", n.condition, n.a, n.b);
    case "unary":
      if (n.op !== "neg") return call(calls[n.op], n.a);
      // -3.0 is a constant; the negation of one is -(3.0).
      if (n.a.node.kind === "constant") return call("-", n.a);
      return block("-", [{ before: "", doc: operand(n.a, primaryLevel) }], "");
    case "binary": {
      const operator = infix[n.op];
      if (!operator) return call(n.op, n.a, n.b);
      const { symbol, level } = operator;
      const left = operand(n.a, level === comparison ? level + 1 : level);
      const right = operand(n.b, level + 1);
      return block(
        "",
        [
          { before: "", doc: left },
          { before: ` ${symbol} `, doc: right },
        ],
        "",
      );
    }
  }
}

/** `%x[n, c, i]`, or `(%x[n, c, i - 1] where i - 1 >= 0 else 2.0)`; a fill of 0 is not written. */
function printRead(n: ReadNode, scope: Scope): Doc {
  const read = `%${formatName(n.tensor.name)}[${n.index.map((i) => printIndex(i, scope)).join(", ")}]`;
  if (n.guard.length === 0) return read;
  const guard = n.guard.map((c) => printCondition(c, scope)).join(" and ");
  const fill = Object.is(n.fill, 0) ? "" : ` else ${printConstant(n.fill, n.tensor.type.dtype)}`;
  return block(
    "(",
    [
      { before: "", doc: read },
      { before: " where ", doc: guard + fill },
    ],
    ")",
  );
}

const printCondition = (c: Condition, scope: Scope): string =>
  c.kind === "nonNegative" ? `${printIndex(c.index, scope)} >= 0` : `divisible(${printIndex(c.index, scope)}, ${c.by})`;

/** f32 has a point or an exponent, u32 ends in u, i32 is bare. */
export function printConstant(value: number, dtype: ScalarType): string {
  const number = formatNumber(value);
  if (dtype === "f32") return /^-?\d+$/.test(number) ? `${number}.0` : number;
  if (dtype === "bool" && (value === 0 || value === 1)) return value === 1 ? "true" : "false";
  if (!Number.isSafeInteger(value) || dtype === "bool") throw new Error(`${number} is no ${dtype}`);
  return dtype === "u32" ? `${number}u` : number;
}
