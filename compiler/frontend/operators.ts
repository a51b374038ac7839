/** Operators on static values, with JavaScript's meaning. */
import { ts } from "ts-morph";
import { isArray, isPrimitive, type Primitive, type Static, Unknown, unknown } from "./values.ts";

const K = ts.SyntaxKind;

type Binary = (a: any, b: any) => Primitive;

const arithmetic: ReadonlyMap<ts.SyntaxKind, Binary> = new Map<ts.SyntaxKind, Binary>([
  [K.MinusToken, (a, b) => a - b],
  [K.AsteriskToken, (a, b) => a * b],
  [K.SlashToken, (a, b) => a / b],
  [K.PercentToken, (a, b) => a % b],
  [K.AsteriskAsteriskToken, (a, b) => a ** b],
]);

const comparison: ReadonlyMap<ts.SyntaxKind, Binary> = new Map<ts.SyntaxKind, Binary>([
  [K.LessThanToken, (a, b) => a < b],
  [K.LessThanEqualsToken, (a, b) => a <= b],
  [K.GreaterThanToken, (a, b) => a > b],
  [K.GreaterThanEqualsToken, (a, b) => a >= b],
]);

const equality: ReadonlyMap<ts.SyntaxKind, Binary> = new Map<ts.SyntaxKind, Binary>([
  [K.EqualsEqualsEqualsToken, (a, b) => a === b],
  [K.ExclamationEqualsEqualsToken, (a, b) => a !== b],
  // biome-ignore lint/suspicious/noDoubleEquals: this is what == means
  [K.EqualsEqualsToken, (a, b) => a == b],
  // biome-ignore lint/suspicious/noDoubleEquals: this is what != means
  [K.ExclamationEqualsToken, (a, b) => a != b],
]);

/** What an operand had to be. */
export type Refusal = { readonly operand: "left" | "right"; readonly wanted: string };

/** a operator b; a Refusal where an operand does not suit the operator. && || ?? are not among the operators. */
export function applyBinary(operator: ts.SyntaxKind, a: Static, b: Static): Static | { readonly refused: Refusal } {
  if (a instanceof Unknown || b instanceof Unknown) return unknown;
  const equal = equality.get(operator);
  if (equal) {
    // Objects, arrays and tensors are compared by identity; == would convert them to strings.
    return isPrimitive(a) && isPrimitive(b) ? equal(a, b) : equal(a === b, true);
  }
  if (operator === K.PlusToken) {
    if (typeof a === "string" || typeof b === "string") {
      if (!isText(a)) return refused("left", "a string or a number");
      if (!isText(b)) return refused("right", "a string or a number");
      return `${a}${b}`;
    }
    return numbers(a, b, (x, y) => x + y);
  }
  const compare = comparison.get(operator);
  if (compare) return typeof a === "string" && typeof b === "string" ? compare(a, b) : numbers(a, b, compare);
  const compute = arithmetic.get(operator);
  if (!compute) return unknown;
  return numbers(a, b, compute);
}

const refused = (operand: "left" | "right", wanted: string) => ({ refused: { operand, wanted } });

const numbers = (a: Static, b: Static, f: Binary) => {
  if (typeof a !== "number") return refused("left", "a number");
  if (typeof b !== "number") return refused("right", "a number");
  return f(a, b);
};

/** What a template string and + may put into a string. */
export const isText = (value: Static): value is string | number | boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

/** JavaScript's: tensors, arrays and objects are true. */
export const isTrue = (value: Static): boolean => isArray(value) || Boolean(value);

/** Operators that decide from the left operand whether the right one is evaluated. */
export const shortCircuits: ReadonlyMap<ts.SyntaxKind, (left: Static) => boolean> = new Map([
  [K.AmpersandAmpersandToken, (left: Static) => !isTrue(left)],
  [K.BarBarToken, isTrue],
  [K.QuestionQuestionToken, (left: Static) => left !== undefined && left !== null],
]);

/** `a += b` stands for `a = a + b`; undefined for `=` itself. */
export const assignmentOperators: ReadonlyMap<ts.SyntaxKind, ts.SyntaxKind | undefined> = new Map<
  ts.SyntaxKind,
  ts.SyntaxKind | undefined
>([
  [K.EqualsToken, undefined],
  [K.PlusEqualsToken, K.PlusToken],
  [K.MinusEqualsToken, K.MinusToken],
  [K.AsteriskEqualsToken, K.AsteriskToken],
  [K.SlashEqualsToken, K.SlashToken],
  [K.PercentEqualsToken, K.PercentToken],
  [K.AsteriskAsteriskEqualsToken, K.AsteriskAsteriskToken],
  [K.AmpersandAmpersandEqualsToken, K.AmpersandAmpersandToken],
  [K.BarBarEqualsToken, K.BarBarToken],
  [K.QuestionQuestionEqualsToken, K.QuestionQuestionToken],
]);

/** Binary operators of the language, assignments apart. */
export const supportedOperators: ReadonlySet<ts.SyntaxKind> = new Set([
  K.PlusToken,
  ...arithmetic.keys(),
  ...comparison.keys(),
  ...equality.keys(),
  ...shortCircuits.keys(),
]);
