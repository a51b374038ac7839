/** Scalar expressions as text: infix with the fewest brackets, long ones over several lines. */
import { Index } from "../ir/index.ts";
import type { BinaryOp, Condition, ReadNode, Scalar, ScalarType, UnaryOp } from "../ir/scalar.ts";
import { block, type Doc, type Item, lines, oneLine } from "./layout.ts";
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

/**
 * The body of a definition or a step, over several lines where it is long: it begins at `column`, further lines at
 * `indent`. What stands in it several times is named first: `let t = exp(%x[i]) in t / (t + 1.0)`. The scalar's equal
 * parts must be one object (Sharing).
 */
export function printBody(scalar: Scalar, scope: Scope, indent: number, column: number): string {
  const parts = scope.withLets(() => [
    ...repeated(scalar).map((s): Doc => {
      const doc = docOf(s, scope);
      return block(`let ${scope.bindLet(s)} = `, [{ before: "", doc }], " in");
    }),
    docOf(scalar, scope),
  ]);
  const items = parts.map((doc, i): Item => ({ before: i === 0 ? "" : " ", doc }));
  const whole = items.length === 1 ? items[0].doc : block("", items, "");
  const text = lines(whole, indent, column);
  return text.includes("\n") ? `\n${" ".repeat(indent)}${lines(whole, indent)}` : text;
}

/** The parts that stand in an expression more than once, each behind its own parts; what is short anyway is left out. */
function repeated(scalar: Scalar): Scalar[] {
  const count = new Map<Scalar, number>();
  const order: Scalar[] = [];
  const visit = (s: Scalar): void => {
    const seen = count.get(s) ?? 0;
    count.set(s, seen + 1);
    if (seen > 0) return;
    const n = s.node;
    if (n.kind === "unary") visit(n.a);
    else if (n.kind === "binary") [n.a, n.b].forEach(visit);
    else if (n.kind === "select") [n.condition, n.a, n.b].forEach(visit);
    order.push(s);
  };
  visit(scalar);
  return order.filter((s) => (count.get(s) as number) > 1 && deservesName(s));
}

function deservesName({ node }: Scalar): boolean {
  if (node.kind === "read") return node.guard.length > 0;
  return ["unary", "binary", "select", "random"].includes(node.kind);
}

function levelOf(scalar: Scalar, scope: Scope): number {
  if (scope.letName(scalar)) return primaryLevel;
  const n = scalar.node;
  if (n.kind === "unary" && n.op === "neg") return prefixLevel;
  return n.kind === "binary" ? (infix[n.op]?.level ?? primaryLevel) : primaryLevel;
}

function docOf(scalar: Scalar, scope: Scope): Doc {
  const name = scope.letName(scalar);
  if (name) return name;
  const n = scalar.node;
  const operand = (s: Scalar, level: number): Doc =>
    levelOf(s, scope) >= level ? docOf(s, scope) : block("(", [{ before: "", doc: docOf(s, scope) }], ")");
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
    case "table": {
      const rows = n.values.map((row) => `[${row.map((v) => printConstant(v, "f32")).join(", ")}]`);
      return `table([${rows.join(", ")}], ${printIndex(n.row, scope)}, ${printIndex(n.column, scope)})`;
    }
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
  const conditions = n.guard.map((c, i): Item => ({ before: i === 0 ? "" : " and ", doc: printCondition(c, scope) }));
  const items: Item[] = [
    { before: "", doc: read },
    { before: " where ", doc: block("", conditions, "") },
  ];
  if (!Object.is(n.fill, 0)) items.push({ before: " else ", doc: printConstant(n.fill, n.tensor.type.dtype) });
  return block("(", items, ")");
}

/** `i - 1 >= 0`, `i + p <= 5`, `divisible(i, 2)` */
function printCondition(c: Condition, scope: Scope): string {
  if (c.kind === "divisible") return `divisible(${printIndex(c.index, scope)}, ${c.by})`;
  const text = printIndex(c.index, scope);
  if (!text.startsWith("-") || c.index.isConstant()) return `${text} >= 0`;
  const { constant } = c.index;
  return `${printIndex(Index.of(constant).minus(c.index), scope)} <= ${formatNumber(constant)}`;
}

/** f32 has a point or an exponent, u32 ends in u, i32 is bare. */
export function printConstant(value: number, dtype: ScalarType): string {
  const number = formatNumber(value);
  if (dtype === "f32") return /^-?\d+$/.test(number) ? `${number}.0` : number;
  if (dtype === "bool" && (value === 0 || value === 1)) return value === 1 ? "true" : "false";
  if (!Number.isSafeInteger(value) || dtype === "bool") throw new Error(`${number} is no ${dtype}`);
  return dtype === "u32" ? `${number}u` : number;
}
