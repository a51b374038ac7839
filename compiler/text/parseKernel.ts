/** Reads the text of the stage `kernels`. */
import type { Layout } from "../ir/fused.ts";
import type {
  Kernel,
  KernelBuffer,
  KernelExpr,
  KernelType,
  Schedule,
  SharedArray,
  Statement,
  Width,
} from "../ir/kernel.ts";
import type { KernelProgram } from "../ir/kernelProgram.ts";
import type { ScalarType } from "../ir/scalar.ts";
import type { DType, SourceLocation, Value } from "../ir/types.ts";
import type { Token } from "./lexer.ts";
import { type Declared, KernelExprParser, KernelNames } from "./parseKernelExpr.ts";
import { ProgramParser, wordsOf } from "./parseProgram.ts";
import type { TokenStream } from "./tokenStream.ts";

const kinds = wordsOf<Schedule["kind"]>({ map: 1, contraction: 1, transform: 1 });

/** What follows the word `kernels`. Throws TextError. */
export function parseKernelProgram(tokens: TokenStream): KernelProgram {
  const layouts = new Map<Value, Layout>();
  const parser = new ProgramParser(tokens, layouts);
  const kernels = new KernelList(parser);
  let target = "";
  const program = parser.parse(
    () => kernels.accept(),
    "'kernel'",
    () => {
      target = parseTarget(tokens);
    },
  );
  return { stage: "kernels", ...program, target, kernels: kernels.all, layouts };
}

/** `target portable` */
export function parseTarget(tokens: TokenStream): string {
  tokens.expect("target");
  return tokens.name("the name of a target");
}

/** The kernels of a text as they come. */
export class KernelList {
  readonly all: Kernel[] = [];

  constructor(private readonly parser: ProgramParser) {}

  /** Reads a kernel if one comes next. */
  accept(): boolean {
    const { tokens } = this.parser;
    if (!tokens.accept("kernel")) return false;
    const at = tokens.next;
    const kernel = new KernelParser(this.parser).parse();
    if (this.find(kernel.name)) tokens.fail(`a kernel ${kernel.name} stands above`, at);
    this.all.push(kernel);
    return true;
  }

  find(name: string): Kernel | undefined {
    return this.all.find((kernel) => kernel.name === name);
  }
}

class KernelParser {
  private readonly tokens: TokenStream;
  private readonly names: KernelNames;
  private readonly expressions: KernelExprParser;

  constructor(private readonly program: ProgramParser) {
    this.tokens = program.tokens;
    this.names = new KernelNames(this.tokens);
    this.expressions = new KernelExprParser(this.tokens, this.names);
  }

  /** What follows the word `kernel`. */
  parse(): Kernel {
    const { tokens, program } = this;
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
    const ops = tokens.accept("ops") ? this.words("an op's name") : [];
    const locations: SourceLocation[] = [];
    if (tokens.accept("from"))
      while (tokens.next.kind === "location") locations.push(tokens.take().location as SourceLocation);
    const buffers: KernelBuffer[] = [];
    while (tokens.sees("buffer") || tokens.sees("texture")) buffers.push(this.parseBuffer());
    const shared: SharedArray[] = [];
    while (tokens.sees("shared")) shared.push(this.parseShared());
    const uniforms = tokens.accept("uniforms")
      ? this.words("a uniform").map((n) => this.expressions.uniformName(n))
      : [];
    const inPlace: (readonly [Value, Value])[] = [];
    while (tokens.accept("inPlace")) {
      const written = program.use();
      tokens.expect("over");
      inPlace.push([written, program.use()]);
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

  private words(what: string): string[] {
    const names = [this.tokens.name(what)];
    while (this.tokens.accept(",")) names.push(this.tokens.name(what));
    return names;
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
    const of = this.program.parseValue();
    tokens.expect(":");
    const value = this.program.mention(of, this.program.parseType());
    this.names.declare(at, name, { kind: "buffer", type: { dtype: dtype as DType, width } });
    const buffer = { name, value, dtype: dtype as DType, width, length, reads, writes };
    return isTexture ? { ...buffer, storage: "texture" } : buffer;
  }

  private parseShared(): SharedArray {
    const { tokens } = this;
    tokens.expect("shared");
    const at = tokens.next;
    const name = tokens.name("the array's name");
    tokens.expect(":");
    const type = this.type();
    const length = this.brackets();
    this.names.declare(at, name, { kind: "shared", type });
    return { name, type, length };
  }

  // ---------------------------------------------------------------- statements

  /** Statements up to the closing brace, which is taken. */
  private parseBody(names: readonly (readonly [string, Declared])[] = []): Statement[] {
    const { tokens } = this;
    this.names.enter(names);
    const body: Statement[] = [];
    while (!tokens.accept("}")) {
      if (tokens.next.kind === "end") tokens.failExpecting("a statement or '}'");
      body.push(this.statement());
    }
    this.names.leave();
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
      const value = this.typed(this.expressions.parse(), type, at);
      this.names.declare(at, name, { kind: "variable", type });
      return { kind: "let", name, value };
    }
    if (tokens.sees("registers") || tokens.sees("indexed", "registers")) return this.registers();
    if (tokens.sees("for") || tokens.sees("unroll")) return this.loop();
    if (tokens.accept("if")) {
      const condition = this.expressions.parse();
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
    this.names.declare(at, name, { kind: "registers", type, dimensions: shape.length });
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
    const from = this.expressions.parse();
    tokens.expect("..");
    const to = this.expressions.parse();
    const step = tokens.accept("step") ? tokens.positiveInteger() : 1;
    tokens.expect("{");
    const body = this.parseBody([[variable, { kind: "variable", type: { dtype: "i32", width: 1 } }]]);
    return { kind: "for", variable, from, to, step, unroll, body };
  }

  private assignment(): Statement {
    const { tokens } = this;
    const at = tokens.next;
    const name = tokens.name("a statement");
    const declared = this.names.find(name);
    if (!declared) tokens.fail(`nothing here is called ${name}`, at);
    const index: KernelExpr[] = [];
    while (tokens.sees("[")) index.push(this.expressions.bracketed());
    tokens.expect("=");
    const value = this.typed(this.expressions.parse(), declared!.type, at);
    if (declared!.kind === "registers") return { kind: "assign", register: name, index, value };
    if (index.length !== 1 || declared!.kind === "variable") tokens.fail(`${name} cannot be assigned to`, at);
    if (declared!.kind === "buffer") return { kind: "store", buffer: name, index: index[0], value };
    return { kind: "sharedStore", array: name, index: index[0], value };
  }

  private typed(value: KernelExpr, type: KernelType, at: Token): KernelExpr {
    const name = ({ dtype, width }: KernelType) => (width === 4 ? `${dtype}x4` : dtype);
    if (value.dtype !== type.dtype || value.width !== type.width)
      this.tokens.fail(`expected a value of type ${name(type)}, this is ${name(value)}`, at);
    return value;
  }
}
