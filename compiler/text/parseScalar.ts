/** Reads scalar expressions, by precedence climbing over the table that prints them. */
import {
  type BinaryOp,
  type Condition,
  Scalar,
  type ScalarType,
  type Table,
  type UnaryOp,
  type UniformName,
} from "../ir/scalar.ts";
import type { Value } from "../ir/types.ts";
import type { Token } from "./lexer.ts";
import { ParseScope, parseIndex } from "./parseIndex.ts";
import { wordsOf } from "./parseProgram.ts";
import { reservedWords } from "./printIndex.ts";
import { calls, comparison, infix } from "./printScalar.ts";
import type { TokenStream } from "./tokenStream.ts";

const uniformNames = wordsOf<UniformName>({
  seed: 1,
  step: 1,
  lr: 1,
  momentum: 1,
  weightDecay: 1,
  pictureHeight: 1,
  pictureWidth: 1,
});

const binaryOps = Object.entries(infix).map(([op, { symbol, level }]) => ({ op: op as BinaryOp, symbol, level }));
const unaryByCall = new Map(Object.entries(calls).map(([op, name]) => [name, op as UnaryOp]));
const binaryCalls: readonly BinaryOp[] = ["max", "min", "pow"];

const dtypeAfter: Partial<Record<UnaryOp | BinaryOp, ScalarType>> = {
  toF32: "f32",
  toI32: "i32",
  toU32: "u32",
  lt: "bool",
  le: "bool",
  eq: "bool",
  and: "bool",
  or: "bool",
};

/** Reads scalars over the tensors that `value` knows. Its methods throw TextError. */
export class ScalarParser {
  constructor(
    private readonly tokens: TokenStream,
    /** The value of this name; fails at its token where there is none. */
    private readonly value: () => Value,
  ) {}

  newScope(): ParseScope {
    return new ParseScope((scope) => this.parse(scope));
  }

  /** `let t = exp(%x[i]) in t / (t + 1.0)`; equal parts are one object, however they are written. */
  parseBody(scope: ParseScope): Scalar {
    const { tokens } = this;
    while (tokens.accept("let")) {
      const at = tokens.next;
      const name = tokens.name("a name");
      if (reservedWords.includes(name)) tokens.fail(`a let cannot be called ${name}`, at);
      if (scope.lets.has(name) || scope.locals.has(name)) tokens.fail(`${name} has a meaning already`, at);
      tokens.expect("=");
      scope.lets.set(name, this.parse(scope));
      tokens.expect("in");
    }
    const body = scope.sharing.scalar(this.parse(scope));
    scope.lets.clear();
    return body;
  }

  parse(scope: ParseScope, level = 1): Scalar {
    const { tokens } = this;
    let left = this.parsePrefix(scope);
    let compared = false;
    for (;;) {
      const operator = binaryOps.find((o) => tokens.sees(o.symbol));
      if (!operator || operator.level < level) return left;
      if (operator.level === comparison) {
        if (compared) tokens.fail("comparisons do not chain: put brackets around one");
        compared = true;
      }
      tokens.take();
      const right = this.parse(scope, operator.level + 1);
      left = new Scalar({ kind: "binary", op: operator.op, a: left, b: right }, dtypeAfter[operator.op] ?? left.dtype);
    }
  }

  private parsePrefix(scope: ParseScope): Scalar {
    const { tokens } = this;
    if (!tokens.sees("-")) return this.parsePrimary(scope);
    tokens.take();
    if (tokens.next.kind === "number" || tokens.sees("inf")) return this.parseConstant(-1);
    const a = this.parsePrefix(scope);
    return new Scalar({ kind: "unary", op: "neg", a }, a.dtype);
  }

  private parsePrimary(scope: ParseScope): Scalar {
    const { tokens } = this;
    const at = tokens.next;
    if (at.kind === "number" || ["inf", "nan", "true", "false"].some((word) => tokens.sees(word)))
      return this.parseConstant(1);
    if (at.kind === "value") return this.parseRead(scope);
    if (tokens.accept("(")) return this.parseBracketed(at, scope);
    if (at.kind !== "name") tokens.failExpecting("an expression");
    tokens.take();
    if (tokens.accept("(")) return this.parseCall(at, scope);
    const named = scope.lets.get(at.text);
    if (named) return named;
    const local = scope.locals.get(at.text);
    if (!local) return tokens.fail(`no local here is called '${at.text}'; an axis stands as index(${at.text})`, at);
    return Scalar.local(local);
  }

  /** A number, whose form says its type, with the sign that stood before it. */
  private parseConstant(sign: 1 | -1): Scalar {
    const { text } = this.tokens.take();
    if (text === "true" || text === "false") return Scalar.constant(text === "true" ? 1 : 0, "bool");
    if (text === "inf" || text === "nan") return Scalar.constant(text === "inf" ? sign * Infinity : NaN);
    const value = sign * Number.parseFloat(text);
    return Scalar.constant(value, text.endsWith("u") ? "u32" : /^\d+$/.test(text) ? "i32" : "f32");
  }

  private parseRead(scope: ParseScope): Scalar {
    const { tokens } = this;
    const at = tokens.next;
    const tensor = this.value();
    const index = tokens.list("[", "]", () => parseIndex(tokens, scope));
    if (index.length !== tensor.type.shape.length)
      tokens.fail(`${at.text} has ${tensor.type.shape.length} dimensions and is read with ${index.length} indices`, at);
    return new Scalar({ kind: "read", tensor, index, guard: [], fill: 0 }, tensor.type.dtype);
  }

  private parseBracketed(open: Token, scope: ParseScope): Scalar {
    const { tokens } = this;
    const inner = this.parse(scope);
    if (tokens.accept(")")) return inner;
    if (!tokens.accept("where")) tokens.failExpecting("an operator, 'where' or ')'");
    const read = inner.node;
    if (read.kind !== "read" || read.guard.length > 0)
      return tokens.fail("only a read takes conditions: (%x[...] where ...)", open);
    const guard = [this.parseCondition(scope)];
    while (tokens.accept("and")) guard.push(this.parseCondition(scope));
    const fill = tokens.accept("else") ? this.parseFill(read.tensor) : 0;
    tokens.expect(")");
    return new Scalar({ ...read, guard, fill }, inner.dtype);
  }

  /** `[[1.0, 0.0], [0.5, 2.0]]` */
  private parseTable(): Table {
    const { tokens } = this;
    const at = tokens.next;
    const number = () => (this.parseConstant(tokens.accept("-") ? -1 : 1).node as { value: number }).value;
    const values = tokens.list("[", "]", () => tokens.list("[", "]", number));
    if (values.length === 0 || values.some((row) => row.length === 0 || row.length !== values[0].length))
      tokens.fail("the rows of a table are of one length, at least 1", at);
    return values;
  }

  private parseFill(tensor: Value): number {
    const { tokens } = this;
    const at = tokens.next;
    const negative = tokens.accept("-");
    if (tokens.next.kind !== "number" && !tokens.sees("inf") && !tokens.sees("nan")) tokens.failExpecting("a number");
    const { node, dtype } = this.parseConstant(negative ? -1 : 1);
    if (dtype !== tensor.type.dtype)
      tokens.fail(`%${tensor.name} is of ${tensor.type.dtype}, this number is of ${dtype}`, at);
    return (node as { value: number }).value;
  }

  private parseCondition(scope: ParseScope): Condition {
    const { tokens } = this;
    if (tokens.accept("divisible")) {
      tokens.expect("(");
      const index = parseIndex(tokens, scope);
      tokens.expect(",");
      const by = tokens.positiveInteger();
      tokens.expect(")");
      return { kind: "divisible", index, by };
    }
    const index = parseIndex(tokens, scope);
    if (tokens.accept("<=")) return { kind: "nonNegative", index: parseIndex(tokens, scope).minus(index) };
    if (!tokens.accept(">=")) tokens.failExpecting("'>=' or '<='");
    return { kind: "nonNegative", index: index.minus(parseIndex(tokens, scope)) };
  }

  /** What follows `NAME(`. */
  private parseCall(at: Token, scope: ParseScope): Scalar {
    const { tokens } = this;
    const name = at.text;
    const argument = () => this.parse(scope);
    const second = () => {
      tokens.expect(",");
      return argument();
    };
    const closed = (scalar: Scalar) => {
      tokens.expect(")");
      return scalar;
    };
    const unary = unaryByCall.get(name);
    if (unary) {
      const a = argument();
      return closed(new Scalar({ kind: "unary", op: unary, a }, dtypeAfter[unary] ?? a.dtype));
    }
    const binary = binaryCalls.find((op) => op === name);
    if (binary) {
      const a = argument();
      return closed(new Scalar({ kind: "binary", op: binary, a, b: second() }, a.dtype));
    }
    switch (name) {
      case "select": {
        const condition = argument();
        const a = second();
        return closed(Scalar.select(condition, a, second()));
      }
      case "index":
        return closed(Scalar.index(parseIndex(tokens, scope)));
      case "uniform":
        return closed(Scalar.uniform(tokens.oneOf(uniformNames)));
      case "random": {
        const stream = tokens.integer("the number of a random stream");
        tokens.expect(",");
        return closed(Scalar.random(stream, parseIndex(tokens, scope)));
      }
      case "table": {
        const values = this.parseTable();
        tokens.expect(",");
        const row = parseIndex(tokens, scope);
        tokens.expect(",");
        return closed(Scalar.table(values, row, parseIndex(tokens, scope)));
      }
    }
    const names = [...unaryByCall.keys(), ...binaryCalls, "select", "index", "uniform", "random", "table"];
    return tokens.fail(`there is no function ${name}; there are ${names.join(", ")}`, at);
  }
}
