/** Reads the expressions of kernels, by precedence climbing over the table that prints them. */
import type { Builtin, KernelExpr, KernelType } from "../ir/kernel.ts";
import * as K from "../ir/kernelExpr.ts";
import type { BinaryOp, ScalarType, UnaryOp, UniformName } from "../ir/scalar.ts";
import type { DType } from "../ir/types.ts";
import { uniformFields } from "../ir/uniforms.ts";
import type { Token } from "./lexer.ts";
import { wordsOf } from "./parseProgram.ts";
import { calls, comparison, infix } from "./printScalar.ts";
import type { TokenStream } from "./tokenStream.ts";

const dtypes = wordsOf<DType>({ f32: 1, i32: 1, u32: 1 });
const builtins = wordsOf<Builtin>({ "workgroup.x": 1, "workgroup.y": 1, "workgroup.z": 1, local: 1, subgroupLane: 1 });
const unaryByCall = new Map(Object.entries(calls).map(([op, name]) => [name, op as UnaryOp]));
const binaryCalls = ["max", "min", "pow"] as const;
const operators = [
  ...Object.entries(infix).map(([op, { symbol, level }]) => ({ op: op as BinaryOp | "mod", symbol, level })),
  { op: "mod" as const, symbol: "%", level: infix.div!.level },
];

/** What a name in a kernel's text stands for. */
export type Declared =
  | { readonly kind: "variable"; readonly type: KernelType }
  | { readonly kind: "registers"; readonly type: KernelType; readonly dimensions: number }
  | { readonly kind: "buffer"; readonly type: KernelType & { readonly dtype: DType } }
  | { readonly kind: "shared"; readonly type: KernelType };

/** The names of a kernel, by scope. */
export class KernelNames {
  /** The innermost last. */
  private readonly scopes: Map<string, Declared>[] = [new Map()];

  constructor(private readonly tokens: TokenStream) {}

  enter(names: readonly (readonly [string, Declared])[]): void {
    this.scopes.push(new Map(names));
  }

  leave(): void {
    this.scopes.pop();
  }

  declare(at: Token, name: string, declared: Declared): void {
    if (this.find(name)) this.tokens.fail(`${name} has a meaning already`, at);
    this.scopes[this.scopes.length - 1].set(name, declared);
  }

  find(name: string): Declared | undefined {
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      const found = this.scopes[i].get(name);
      if (found) return found;
    }
    return undefined;
  }
}

/** Its methods throw TextError. */
export class KernelExprParser {
  constructor(
    private readonly tokens: TokenStream,
    private readonly names: KernelNames,
  ) {}

  uniformName(name: string): UniformName {
    const field = uniformFields.find((f) => f.name === name);
    if (!field)
      this.tokens.fail(`no uniform is called ${name}; there are ${uniformFields.map((f) => f.name).join(", ")}`);
    return field!.name;
  }

  bracketed(): KernelExpr {
    this.tokens.expect("[");
    const index = this.parse();
    this.tokens.expect("]");
    return index;
  }

  /** An expression whose operators bind at least as tightly as `level`. */
  parse(level = 1): KernelExpr {
    const { tokens } = this;
    let left = this.prefix();
    let compared = false;
    for (;;) {
      const operator = operators.find((o) => tokens.sees(o.symbol));
      if (!operator || operator.level < level) return left;
      if (operator.level === comparison) {
        if (compared) tokens.fail("comparisons do not chain: put brackets around one");
        compared = true;
      }
      tokens.take();
      const right = this.parse(operator.level + 1);
      const isBool = operator.level === comparison || operator.op === "and" || operator.op === "or";
      left = {
        kind: "binary",
        op: operator.op,
        a: left,
        b: right,
        dtype: isBool ? "bool" : left.dtype,
        width: left.width,
      };
    }
  }

  private prefix(): KernelExpr {
    const { tokens } = this;
    if (!tokens.accept("-")) return this.postfix(this.primary());
    if (tokens.next.kind === "number" || tokens.sees("inf")) return this.constant(-1);
    const a = this.prefix();
    return K.unary("neg", a, a.dtype);
  }

  /** `.x` */
  private postfix(of: KernelExpr): KernelExpr {
    if (!this.tokens.accept(".")) return of;
    const at = this.tokens.next;
    return this.componentOf(of, this.tokens.name("x, y, z or w"), at);
  }

  private componentOf(of: KernelExpr, letter: string, at: Token): KernelExpr {
    const index = "xyzw".indexOf(letter);
    if (letter.length !== 1 || index < 0) this.tokens.fail(`expected x, y, z or w, found '${letter}'`, at);
    return { kind: "component", of, index: K.int(index), dtype: of.dtype, width: 1 };
  }

  private constant(sign: 1 | -1): KernelExpr {
    const { text } = this.tokens.take();
    const of = (value: number, dtype: ScalarType) => K.constant(value, dtype);
    if (text === "true" || text === "false") return of(text === "true" ? 1 : 0, "bool");
    if (text === "inf" || text === "nan")
      return of(text === "inf" ? sign * Number.POSITIVE_INFINITY : Number.NaN, "f32");
    const value = sign * Number.parseFloat(text);
    return of(value, text.endsWith("u") ? "u32" : /^\d+$/.test(text) ? "i32" : "f32");
  }

  private primary(): KernelExpr {
    const { tokens } = this;
    const at = tokens.next;
    if (at.kind === "number" || ["inf", "nan", "true", "false"].some((word) => tokens.sees(word)))
      return this.constant(1);
    if (tokens.accept("(")) {
      const inner = this.parse();
      tokens.expect(")");
      return inner;
    }
    if (at.kind !== "name") tokens.failExpecting("an expression");
    const name = tokens.take().text;
    if (tokens.accept("(")) return this.call(name, at);
    return this.named(name, at);
  }

  private named(name: string, at: Token): KernelExpr {
    const { tokens } = this;
    const builtin = builtins.find((b) => b === name);
    if (builtin) {
      const dtype = tokens.accept(":") ? tokens.oneOf(dtypes) : "i32";
      return { kind: "builtin", name: builtin, dtype, width: 1 };
    }
    const declared = this.names.find(name);
    if (!declared) {
      // A component of what has a name is one word to the lexer.
      const dot = name.lastIndexOf(".");
      if (dot > 0) return this.componentOf(this.named(name.slice(0, dot), at), name.slice(dot + 1), at);
      return tokens.fail(`nothing here is called ${name}`, at);
    }
    const { type } = declared;
    if (declared.kind === "variable") return { kind: "variable", name, ...type };
    const index: KernelExpr[] = [];
    while (tokens.sees("[")) index.push(this.bracketed());
    if (declared.kind === "registers") {
      if (index.length !== declared.dimensions)
        tokens.fail(`${name} has ${declared.dimensions} dimensions, and ${index.length} indices here`, at);
      return { kind: "register", name, index, ...type };
    }
    if (index.length !== 1) tokens.fail(`${name} has one index`, at);
    if (declared.kind === "buffer") return K.load(name, index[0], declared.type.dtype, type.width);
    return { kind: "sharedLoad", array: name, index: index[0], ...type };
  }

  /** What follows `NAME(`. */
  private call(name: string, at: Token): KernelExpr {
    const { tokens } = this;
    if (name === "uniform") {
      const field = this.uniformName(tokens.name("a uniform"));
      tokens.expect(")");
      return K.uniform(field, uniformFields.find((f) => f.name === field)!.type);
    }
    const parts: KernelExpr[] = [];
    while (!tokens.accept(")")) {
      if (parts.length > 0) tokens.expect(",");
      parts.push(this.parse());
    }
    const want = (count: number) => {
      if (parts.length !== count) tokens.fail(`${name} takes ${count} operands, ${parts.length} are given`, at);
    };
    const vector = /^(f32|i32|u32|bool)x4$/.exec(name);
    if (vector) {
      const dtype = vector[1] as ScalarType;
      const [one] = parts;
      if (parts.length === 1 && one.kind === "constant") return { ...one, width: 4 };
      want(4);
      return { kind: "vector", parts, dtype, width: 4 };
    }
    const unary = unaryByCall.get(name);
    if (unary) {
      want(1);
      const cast = { toF32: "f32", toI32: "i32", toU32: "u32" }[unary as string] as ScalarType | undefined;
      return K.unary(unary, parts[0], cast ?? parts[0].dtype);
    }
    const binary = binaryCalls.find((op) => op === name);
    if (binary) {
      want(2);
      const [a, b] = parts;
      return { kind: "binary", op: binary, a, b, dtype: a.dtype, width: a.width };
    }
    return this.special(name, parts, want, at);
  }

  private special(name: string, parts: readonly KernelExpr[], want: (count: number) => void, at: Token): KernelExpr {
    const [a, b, c] = parts;
    switch (name) {
      case "splat":
        want(1);
        return { kind: "splat", of: a, dtype: a.dtype, width: 4 };
      case "broadcast":
        want(2);
        return K.broadcast(a, b);
      case "component":
        want(2);
        return { kind: "component", of: a, index: b, dtype: a.dtype, width: 1 };
      case "fma":
        want(3);
        return K.fma(a, b, c);
      case "select":
        want(3);
        return { kind: "select", condition: a, a: b, b: c, dtype: b.dtype, width: b.width };
      case "random":
        want(2);
        if (a.kind !== "constant") this.tokens.fail("a random stream is a number", at);
        return {
          kind: "random",
          stream: (a as KernelExpr & { kind: "constant" }).value,
          element: b,
          dtype: "f32",
          width: 1,
        };
    }
    return this.tokens.fail(`there is no function ${name}`, at);
  }
}
