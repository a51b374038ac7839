/** Reads the text of kernels: printKernels(parseKernels(text)) is text again, if `printKernels` wrote it. */
import type {
  Builtin,
  Kernel,
  KernelBuffer,
  KernelExpr,
  KernelType,
  Schedule,
  SharedArray,
  Statement,
  Width,
} from "../ir/kernel.ts";
import * as K from "../ir/kernelExpr.ts";
import type { BinaryOp, ScalarType, UnaryOp, UniformName } from "../ir/scalar.ts";
import type { DType, SourceLocation, Value } from "../ir/types.ts";
import { uniformFields } from "../ir/uniforms.ts";
import type { Token } from "./lexer.ts";
import { wordsOf } from "./parseProgram.ts";
import { calls, comparison, infix } from "./printScalar.ts";
import { TokenStream } from "./tokenStream.ts";

const dtypes = wordsOf<DType>({ f32: 1, i32: 1, u32: 1 });
const builtins = wordsOf<Builtin>({ "workgroup.x": 1, "workgroup.y": 1, "workgroup.z": 1, local: 1, subgroupLane: 1 });
const kinds = wordsOf<Schedule["kind"]>({ map: 1, contraction: 1, transform: 1 });
const unaryByCall = new Map(Object.entries(calls).map(([op, name]) => [name, op as UnaryOp]));
const binaryCalls = ["max", "min", "pow"] as const;
const operators = [
  ...Object.entries(infix).map(([op, { symbol, level }]) => ({ op: op as BinaryOp | "mod", symbol, level })),
  { op: "mod" as const, symbol: "%", level: infix.div!.level },
];

type Declared =
  | { readonly kind: "variable"; readonly type: KernelType }
  | { readonly kind: "registers"; readonly type: KernelType; readonly dimensions: number }
  | { readonly kind: "buffer"; readonly type: KernelType & { readonly dtype: DType } }
  | { readonly kind: "shared"; readonly type: KernelType };

/** Every kernel of a text, in its order; values of one name are one. Throws TextError with line and column. */
export function parseKernels(text: string): Kernel[] {
  const tokens = new TokenStream(text);
  const values = new Map<string, Value>();
  const kernels: Kernel[] = [];
  while (tokens.next.kind !== "end") kernels.push(new KernelParser(tokens, values).parse());
  return kernels;
}

class KernelParser {
  /** Names by scope, the innermost last. */
  private readonly scopes: Map<string, Declared>[] = [new Map()];

  constructor(
    private readonly tokens: TokenStream,
    private readonly values: Map<string, Value>,
  ) {}

  parse(): Kernel {
    const { tokens } = this;
    tokens.expect("kernel");
    const name = tokens.name("the kernel's name");
    tokens.expect("workgroups");
    const at = tokens.next;
    const [x, y, z, ...more] = tokens.list("[", "]", () => tokens.positiveInteger());
    if (z === undefined || more.length > 0) tokens.fail("workgroups have three dimensions", at);
    tokens.expect("size");
    const workgroupSize = tokens.positiveInteger();
    const subgroupSize = tokens.accept("subgroup") ? tokens.positiveInteger() : undefined;
    tokens.expect("{");
    tokens.expect("schedule");
    const schedule = this.parseSchedule();
    tokens.expect("operations");
    const operations = tokens.number();
    const executedOperations = tokens.accept("executed") ? tokens.number() : undefined;
    const algorithm = tokens.accept("algorithm") ? tokens.name("an algorithm") : undefined;
    const ops = tokens.accept("ops") ? this.names("an op's name") : [];
    const locations: SourceLocation[] = [];
    if (tokens.accept("from"))
      while (tokens.next.kind === "location") locations.push(tokens.take().location as SourceLocation);
    const buffers: KernelBuffer[] = [];
    while (tokens.sees("buffer") || tokens.sees("texture")) buffers.push(this.parseBuffer());
    const shared: SharedArray[] = [];
    while (tokens.sees("shared")) shared.push(this.parseShared());
    const uniforms = tokens.accept("uniforms") ? this.names("a uniform").map((n) => this.uniformName(n)) : [];
    const inPlace: (readonly [Value, Value])[] = [];
    while (tokens.accept("inPlace")) {
      const written = this.value();
      tokens.expect("over");
      inPlace.push([written, this.value()]);
    }
    const body = this.parseBody();
    return {
      name,
      workgroupSize,
      workgroups: [x, y, z],
      ...(subgroupSize === undefined ? {} : { subgroupSize }),
      buffers,
      shared,
      uniforms,
      body,
      schedule,
      locations,
      ops,
      ...(algorithm === undefined ? {} : { algorithm }),
      operations,
      ...(executedOperations === undefined ? {} : { executedOperations }),
      inPlace,
    };
  }

  private names(what: string): string[] {
    const names = [this.tokens.name(what)];
    while (this.tokens.accept(",")) names.push(this.tokens.name(what));
    return names;
  }

  private uniformName(name: string): UniformName {
    const field = uniformFields.find((f) => f.name === name);
    if (!field)
      this.tokens.fail(`no uniform is called ${name}; there are ${uniformFields.map((f) => f.name).join(", ")}`);
    return field!.name;
  }

  private parseSchedule(): Schedule {
    const { tokens } = this;
    const schedule: Record<string, string | number | boolean> = { kind: tokens.oneOf(kinds) };
    while (!tokens.sees("operations")) {
      const parameter = tokens.name("a parameter of the schedule");
      tokens.expect("=");
      const { kind, text } = tokens.next;
      if (kind === "number") schedule[parameter] = tokens.number();
      else if (text === "true" || text === "false") schedule[parameter] = tokens.take().text === "true";
      else schedule[parameter] = tokens.name("a value");
    }
    return schedule as unknown as Schedule;
  }

  /** `f32`, `f32x4` */
  private type(): KernelType {
    const { tokens } = this;
    const at = tokens.next;
    const match = /^(f32|i32|u32|bool)(x4)?$/.exec(tokens.name("a type"));
    if (!match) tokens.fail(`expected a type such as f32 or f32x4, found '${at.text}'`, at);
    return { dtype: match![1] as ScalarType, width: (match![2] ? 4 : 1) as Width };
  }

  private brackets(): number {
    const { tokens } = this;
    tokens.expect("[");
    const value = tokens.positiveInteger();
    tokens.expect("]");
    return value;
  }

  private parseBuffer(): KernelBuffer {
    const { tokens } = this;
    const isTexture = tokens.take().text === "texture";
    const at = tokens.next;
    const name = tokens.name("the buffer's name");
    tokens.expect(":");
    const { dtype, width } = this.type();
    if (dtype === "bool") tokens.fail("a buffer holds f32, i32 or u32", at);
    const length = this.brackets();
    const reads = tokens.accept("read");
    const writes = tokens.accept("write");
    tokens.expect("of");
    const value = this.value();
    tokens.expect(":");
    const { dtype: of, shape } = this.tensorType();
    const known = this.values.get(value.name)!;
    const whole: Value =
      known.type.dtype === of && `${known.type.shape}` === `${shape}` ? known : this.define(value.name, of, shape, at);
    this.declare(at, name, { kind: "buffer", type: { dtype: dtype as DType, width } });
    const buffer = { name, value: whole, dtype: dtype as DType, width, length, reads, writes };
    return isTexture ? { ...buffer, storage: "texture" } : buffer;
  }

  private tensorType(): { dtype: DType; shape: number[] } {
    const dtype = this.tokens.oneOf(dtypes);
    return { dtype, shape: this.tokens.list("[", "]", () => this.tokens.positiveInteger()) };
  }

  /** The value of this name; of a type not known yet where it is new. */
  private value(): Value {
    const { tokens } = this;
    if (tokens.next.kind !== "value") tokens.failExpecting("a value such as %x");
    const { name } = tokens.take();
    const known = this.values.get(name);
    if (known) return known;
    const made: Value = { name, type: { dtype: "f32", shape: [] } };
    this.values.set(name, made);
    this.untyped.add(made);
    return made;
  }

  private readonly untyped = new Set<Value>();

  private define(name: string, dtype: DType, shape: number[], at: Token): Value {
    const known = this.values.get(name)!;
    if (!this.untyped.delete(known)) this.tokens.fail(`%${name} has another type elsewhere`, at);
    const made: Value = { name, type: { dtype, shape } };
    this.values.set(name, made);
    return made;
  }

  private parseShared(): SharedArray {
    const { tokens } = this;
    tokens.expect("shared");
    const at = tokens.next;
    const name = tokens.name("the array's name");
    tokens.expect(":");
    const type = this.type();
    const length = this.brackets();
    this.declare(at, name, { kind: "shared", type });
    return { name, type, length };
  }

  private declare(at: Token, name: string, declared: Declared): void {
    if (this.find(name)) this.tokens.fail(`${name} has a meaning already`, at);
    this.scopes[this.scopes.length - 1].set(name, declared);
  }

  private find(name: string): Declared | undefined {
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      const found = this.scopes[i].get(name);
      if (found) return found;
    }
    return undefined;
  }

  // ---------------------------------------------------------------- statements

  /** Statements up to the closing brace, which is taken. */
  private parseBody(names: readonly (readonly [string, Declared])[] = []): Statement[] {
    const { tokens } = this;
    this.scopes.push(new Map(names));
    const body: Statement[] = [];
    while (!tokens.accept("}")) {
      if (tokens.next.kind === "end") tokens.failExpecting("a statement or '}'");
      body.push(this.statement());
    }
    this.scopes.pop();
    return body;
  }

  private statement(): Statement {
    const { tokens } = this;
    if (tokens.accept("let")) {
      const at = tokens.next;
      const name = tokens.name("a name");
      tokens.expect(":");
      const type = this.type();
      tokens.expect("=");
      const value = this.typed(this.expression(), type, at);
      this.declare(at, name, { kind: "variable", type });
      return { kind: "let", name, value };
    }
    if (tokens.sees("registers") || tokens.sees("indexed", "registers")) return this.registers();
    if (tokens.sees("for") || tokens.sees("unroll")) return this.loop();
    if (tokens.accept("if")) {
      const condition = this.expression();
      tokens.expect("{");
      const branch = this.parseBody();
      if (!tokens.accept("else")) return { kind: "if", condition, then: branch };
      tokens.expect("{");
      return { kind: "if", condition, then: branch, otherwise: this.parseBody() };
    }
    if (tokens.accept("barrier")) return { kind: "barrier" };
    return this.assignment();
  }

  private registers(): Statement {
    const { tokens } = this;
    const indexed = tokens.accept("indexed");
    tokens.expect("registers");
    const at = tokens.next;
    const name = tokens.name("a name");
    tokens.expect(":");
    const type = this.type();
    const shape: number[] = [];
    while (tokens.sees("[")) shape.push(this.brackets());
    tokens.expect("=");
    const initial = this.initial();
    this.declare(at, name, { kind: "registers", type, dimensions: shape.length });
    return { kind: "registers", name, type, shape, initial, ...(indexed ? { indexed } : {}) };
  }

  private initial(): number {
    const { tokens } = this;
    if (tokens.accept("true")) return 1;
    if (tokens.accept("false")) return 0;
    if (tokens.next.kind === "number" && tokens.next.text.endsWith("u")) return Number.parseInt(tokens.take().text, 10);
    return tokens.number();
  }

  private loop(): Statement {
    const { tokens } = this;
    const unroll = tokens.take().text === "unroll";
    const variable = tokens.name("the loop's variable");
    tokens.expect("in");
    const from = this.expression();
    tokens.expect("..");
    const to = this.expression();
    const step = tokens.accept("step") ? tokens.positiveInteger() : 1;
    tokens.expect("{");
    const body = this.parseBody([[variable, { kind: "variable", type: { dtype: "i32", width: 1 } }]]);
    return { kind: "for", variable, from, to, step, unroll, body };
  }

  private assignment(): Statement {
    const { tokens } = this;
    const at = tokens.next;
    const name = tokens.name("a statement");
    const declared = this.find(name);
    if (!declared) tokens.fail(`nothing here is called ${name}`, at);
    const index: KernelExpr[] = [];
    while (tokens.sees("[")) index.push(this.bracketed());
    tokens.expect("=");
    const value = this.typed(this.expression(), declared!.type, at);
    if (declared!.kind === "registers") return { kind: "assign", register: name, index, value };
    if (index.length !== 1 || declared!.kind === "variable") tokens.fail(`${name} cannot be assigned to`, at);
    if (declared!.kind === "buffer") return { kind: "store", buffer: name, index: index[0], value };
    return { kind: "sharedStore", array: name, index: index[0], value };
  }

  private bracketed(): KernelExpr {
    this.tokens.expect("[");
    const index = this.expression();
    this.tokens.expect("]");
    return index;
  }

  private typed(value: KernelExpr, type: KernelType, at: Token): KernelExpr {
    const name = ({ dtype, width }: KernelType) => (width === 4 ? `${dtype}x4` : dtype);
    if (value.dtype !== type.dtype || value.width !== type.width)
      this.tokens.fail(`expected a value of type ${name(type)}, this is ${name(value)}`, at);
    return value;
  }

  // ---------------------------------------------------------------- expressions

  private expression(level = 1): KernelExpr {
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
      const right = this.expression(operator.level + 1);
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
      const inner = this.expression();
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
    const declared = this.find(name);
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
      parts.push(this.expression());
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
