/** Reads what the text of every stage begins and ends with, and keeps the values by name. */

import type { Layout } from "../ir/fused.ts";
import type { Graph, ImageInput, Initializer, InputKind, Mode, StateRole } from "../ir/graph.ts";
import { Axis } from "../ir/index.ts";
import { type DType, type Part, type SourceLocation, sameType, type TensorType, type Value } from "../ir/types.ts";
import type { Token } from "./lexer.ts";
import { imageLetters } from "./names.ts";
import type { ParseScope } from "./parseIndex.ts";
import type { TokenStream } from "./tokenStream.ts";

/** All words of a union; one that is forgotten does not compile. */
export function wordsOf<T extends string>(words: Record<T, 1>): readonly T[] {
  return Object.keys(words) as T[];
}

const modes = wordsOf<Mode>({ train: 1, infer: 1 });
const inputKinds = wordsOf<InputKind>({ input: 1, labels: 1, cotangent: 1, gradient: 1, pictures: 1 });
const roles = wordsOf<StateRole>({ parameter: 1, velocity: 1, statistic: 1 });
const dtypes = wordsOf<DType>({ f32: 1, i32: 1, u32: 1 });

export interface TypeText {
  readonly type: TensorType;
  readonly layout?: Layout;
}

export interface AxisText {
  readonly at: Token;
  readonly extent?: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };
type Common = Omit<Graph, "stage" | "nodes">;

/** Reads the parts that all stages share; a stage's parser reads its own through it. Its methods throw TextError. */
export class ProgramParser {
  private readonly defined = new Map<string, { readonly value: Value; readonly at: Token }>();
  /** Parts, and what they are parts of: a group may store them further down. */
  private readonly announced = new Set<Value>();

  constructor(
    readonly tokens: TokenStream,
    /** Where the layouts of the values go; undefined where values have none yet. */
    readonly layouts?: Map<Value, Layout>,
  ) {}

  /** The program after its first word. `ownStatement` reads a statement of the stage's own, false where none comes. */
  parse(ownStatement: () => boolean, ownStatements: string, ownHeader?: () => void): Common {
    const { tokens } = this;
    const program: Mutable<Common> = {
      name: tokens.name("the model's name"),
      mode: tokens.oneOf(modes),
      image: this.parseImage(),
      classes: tokens.accept("classes") ? tokens.positiveInteger("the number of classes") : undefined,
      inputs: [],
      states: [],
      outputs: [],
      updates: [],
    };
    ownHeader?.();
    while (tokens.next.kind !== "end") {
      if (!ownStatement() && !this.parseStatement(program))
        tokens.failExpecting(`${ownStatements}, an input, a state, 'output' or 'update'`);
    }
    return program;
  }

  private parseStatement(program: Mutable<Common>): boolean {
    const { tokens } = this;
    const kind = inputKinds.find((word) => tokens.accept(word));
    if (kind) {
      program.inputs.push({ kind, value: this.declare() });
      return true;
    }
    const role = roles.find((word) => tokens.accept(word));
    if (role) {
      const value = this.declare();
      tokens.expect("=");
      program.states.push({ value, role, initializer: this.parseInitializer() });
      return true;
    }
    if (this.layouts && tokens.accept("part")) {
      this.parsePart();
      return true;
    }
    if (tokens.accept("output")) {
      const name = tokens.name("an output's name");
      tokens.expect("=");
      program.outputs.push({ name, value: this.use() });
      return true;
    }
    if (tokens.accept("update")) {
      const state = this.use();
      tokens.expect("<");
      tokens.expect("-");
      program.updates.push({ state, next: this.use() });
      return true;
    }
    return false;
  }

  private parseImage(): ImageInput {
    const { tokens } = this;
    tokens.expect("image");
    const at = tokens.next;
    const size = tokens.list("[", "]", () => tokens.positiveInteger());
    if (size.length !== 3) tokens.fail("expected [channels, height, width]", at);
    const [channels, height, width] = size;
    const perChannel = (word: string): number[] => {
      tokens.expect(word);
      const start = tokens.next;
      const values = tokens.list("[", "]", () => tokens.number());
      if (values.length !== channels) tokens.fail(`expected ${channels} numbers, one a channel`, start);
      return values;
    };
    return { channels, height, width, mean: perChannel("mean"), std: perChannel("std") };
  }

  private parseInitializer(): Initializer {
    const kind = this.tokens.oneOf(["xavier", "constant"]);
    return kind === "xavier" ? { kind } : { kind, value: this.tokens.number() };
  }

  private declare(): Value {
    const name = this.newName();
    this.tokens.expect(":");
    return this.define(name, this.parseType());
  }

  /** `%x.slice1: f32[2,4] layout [0, 1] of %x: f32[4,4] layout [0, 1] from 2` */
  private parsePart(): void {
    const { tokens } = this;
    const at = this.newName();
    tokens.expect(":");
    const text = this.parseType();
    tokens.expect("of");
    const wholeAt = this.parseValue();
    tokens.expect(":");
    const known = this.defined.has(wholeAt.name);
    const of = this.mention(wholeAt, this.parseType());
    if (!known) this.announced.add(of);
    tokens.expect("from");
    const fromAt = tokens.next;
    const from = tokens.integer("the number of a row");
    const [rows, ...row] = text.type.shape;
    const [all, ...wholeRow] = of.type.shape;
    if (text.type.dtype !== of.type.dtype || `${row}` !== `${wholeRow}`)
      tokens.fail(`${at.text} has other rows than ${wholeAt.text}`, at);
    if (from + rows > all) tokens.fail(`${wholeAt.text} has ${all} rows, and ${from} + ${rows} is more`, fromAt);
    this.announced.add(this.define(at, text, { of, from }));
  }

  /** What may follow the type of a value that is declared: `layout nhwc` of an image, `layout [1, 0]` of anything. */
  private parseLayout(shape: readonly number[]): Layout | undefined {
    const { tokens } = this;
    const dimensions = shape.map((_, d) => d);
    // A value with fewer than two dimensions has its layout anyway.
    if (!this.layouts || !tokens.accept("layout")) return dimensions.length < 2 ? dimensions : undefined;
    const at = tokens.next;
    const letters = at.kind === "name" && dimensions.length === 4;
    const layout = letters
      ? [...tokens.take().text].map((letter) => imageLetters.indexOf(letter))
      : tokens.list("[", "]", () => tokens.integer());
    if (layout.length !== dimensions.length || dimensions.some((d) => !layout.includes(d))) {
      const example = dimensions.length === 4 ? "nhwc or [0, 2, 3, 1]" : `[${dimensions.join(", ")}]`;
      tokens.fail(`expected each of ${dimensions.length} dimensions once, such as ${example}`, at);
    }
    return layout;
  }

  /** The name of a value that is defined here; `define` makes it known. */
  newName(): Token {
    const token = this.parseValue();
    const before = this.defined.get(token.name);
    if (before && !this.announced.has(before.value))
      this.tokens.fail(`${token.text} is defined twice, first at ${before.at.line}:${before.at.column}`, token);
    return token;
  }

  define(at: Token, text: TypeText, part?: Part): Value {
    const before = this.defined.get(at.name)?.value;
    if (before && this.announced.delete(before)) return this.mention(at, text);
    const { type, layout } = text;
    const value = part ? { name: at.name, type, part } : { name: at.name, type };
    this.defined.set(at.name, { value, at });
    if (layout) this.layouts?.set(value, layout);
    return value;
  }

  /** A value that may be mentioned before, then with the same type and layout. */
  mention(at: Token, text: TypeText): Value {
    const before = this.defined.get(at.name);
    if (!before) return this.define(at, text);
    const { value } = before;
    const same = sameType(value.type, text.type) && `${this.layouts?.get(value) ?? ""}` === `${text.layout ?? ""}`;
    if (!same) this.tokens.fail(`${at.text} has another type or layout at ${before.at.line}:${before.at.column}`, at);
    return value;
  }

  /** A value that is defined somewhere; asked for at the end of the text. */
  find(at: Token): Value {
    const found = this.defined.get(at.name);
    if (!found) this.tokens.fail(`${at.text} is defined nowhere`, at);
    return found.value;
  }

  /** The mention of a value. */
  parseValue(): Token {
    if (this.tokens.next.kind !== "value") this.tokens.failExpecting("a value such as %x");
    return this.tokens.take();
  }

  /** A value that is defined above. */
  use(): Value {
    const at = this.parseValue();
    const found = this.defined.get(at.name);
    if (!found) this.tokens.fail(`${at.text} is not defined above`, at);
    return found.value;
  }

  /** `f32[2,3]`, and the layout behind it where values have one. */
  parseType(): TypeText {
    const dtype = this.tokens.oneOf(dtypes);
    const shape = this.tokens.list("[", "]", () => this.tokens.positiveInteger());
    return { type: { dtype, shape }, layout: this.parseLayout(shape) };
  }

  parseDType(): DType {
    return this.tokens.oneOf(dtypes);
  }

  /** `@ models/alexnet.ts:5:7`, if there is one. */
  parseLocation(): SourceLocation | undefined {
    return this.tokens.next.kind === "location" ? this.tokens.take().location : undefined;
  }

  /** The name of an axis and, where it is written, its extent: `i<4`. */
  parseAxis(): AxisText {
    const { tokens } = this;
    const at = tokens.next;
    if (at.kind !== "name" || at.text.includes(".")) tokens.failExpecting("the name of an axis");
    tokens.take();
    return { at, extent: tokens.accept("<") ? tokens.positiveInteger("the extent of an axis") : undefined };
  }

  bindAxis(scope: ParseScope, { at, extent }: AxisText): Axis {
    if (extent === undefined) this.tokens.fail(`the axis ${at.text} needs its extent: ${at.text}<4`, at);
    if (scope.axes.has(at.text)) this.tokens.fail(`the axis ${at.text} is bound twice`, at);
    const axis = new Axis(at.text, extent);
    scope.axes.set(at.text, axis);
    return axis;
  }

  /** `over (i<4, j<4)` */
  parseOver(scope: ParseScope): Axis[] {
    this.tokens.expect("over");
    return this.tokens.list("(", ")", () => this.bindAxis(scope, this.parseAxis()));
  }

  /** ` by split`, or nothing. */
  parseAlgorithm(): string | undefined {
    return this.tokens.accept("by") ? this.tokens.name("the name of an algorithm") : undefined;
  }

  /** `conv2d, relu` */
  parseNames(what: string): string[] {
    const names = [this.tokens.name(what)];
    while (this.tokens.accept(",")) names.push(this.tokens.name(what));
    return names;
  }
}
