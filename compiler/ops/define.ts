/**
 * The language in which ops are written: one file an op, from which the DSL declaration, the shape rule, the lowering,
 * the gradient, the float64 reference, the reference page and the conformance tests all follow.
 */

import type { DiagnosticCode } from "../diagnostics/codes.ts";
import type { Combiner, Definition } from "../ir/expr.ts";
import type { Initializer, Mode, OptionValue, StateRole } from "../ir/graph.ts";
import { Axis, Index } from "../ir/index.ts";
import { type Condition, Scalar, type UniformName } from "../ir/scalar.ts";
import { type DType, elementCount, formatType, type TensorType, tensorType, type Value } from "../ir/types.ts";

// ---------------------------------------------------------------- declarations

/** What an input may be. `rank` 4 is an image [N, C, H, W], 2 a matrix [N, F]; absent, any. */
export interface InputSpec {
  readonly kind: "tensor" | "list";
  readonly rank?: readonly number[];
  readonly optional?: boolean;
  readonly doc?: string;
  /** What to do where the rank is wrong: "use flatten(x) first". */
  readonly help?: string;
}
export type ListSpec = InputSpec & { readonly kind: "list" };
export type OptionalSpec = InputSpec & { readonly optional: true };

/** An image [N, C, H, W]. */
export const image = (doc?: string): InputSpec => ({ kind: "tensor", rank: [4], doc });
/** A matrix [N, F]. */
export const matrix = (doc?: string): InputSpec => ({ kind: "tensor", rank: [2], doc });
/** A tensor of any of these ranks; of any rank where none is named. */
export const tensor = (rank?: readonly number[], doc?: string): InputSpec => ({ kind: "tensor", rank, doc });
export const optional = (spec: InputSpec): OptionalSpec => ({ ...spec, optional: true });
export const list = (doc?: string): ListSpec => ({ kind: "list", doc });

export interface Pair {
  readonly h: number;
  readonly w: number;
}

export interface OptionSpec<T = unknown> {
  readonly type: "pair" | "integer" | "number" | "boolean" | "numbers";
  /** Absent: required. `{ same: "kernel" }`: the value of another option. */
  readonly default?: OptionValue | { readonly same: string };
  readonly min?: number;
  /** Exclusive upper bound. */
  readonly below?: number;
  /** Filled by the compiler; no model file gives it. Has a default. */
  readonly hidden?: boolean;
  readonly doc: string;
  /** From the stored form (a pair is [h, w]) to what `compute` and `outputs` see. */
  readonly read: (stored: OptionValue) => T;
}

interface OptionSettings {
  default?: OptionValue | { same: string };
  min?: number;
  below?: number;
  hidden?: boolean;
}

/** A number, or [h, w]; stored as [h, w], seen as { h, w }. */
export const pair = (doc: string, settings: OptionSettings = {}): OptionSpec<Pair> => ({
  type: "pair",
  doc,
  ...settings,
  read: (v) => ({ h: (v as number[])[0], w: (v as number[])[1] }),
});
export const integer = (doc: string, settings: OptionSettings = {}): OptionSpec<number> => ({
  type: "integer",
  doc,
  ...settings,
  read: (v) => v as number,
});
export const number = (doc: string, settings: OptionSettings = {}): OptionSpec<number> => ({
  type: "number",
  doc,
  ...settings,
  read: (v) => v as number,
});
export const boolean = (doc: string, settings: OptionSettings = {}): OptionSpec<boolean> => ({
  type: "boolean",
  doc,
  ...settings,
  read: (v) => v as boolean,
});

/** A list of numbers; of inner ops alone. */
export const numbers = (doc: string, settings: OptionSettings = {}): OptionSpec<readonly number[]> => ({
  type: "numbers",
  doc,
  ...settings,
  read: (v) => v as readonly number[],
});

/** A state tensor that the op brings along when a model file calls it. */
export interface ParameterSpec {
  readonly shape: readonly number[];
  readonly initializer: Initializer;
  readonly role?: StateRole;
}

/** Wrong use of an op, found by its shape rule; the front end adds place and code frame. */
export class OpError extends Error {
  constructor(
    readonly code: DiagnosticCode,
    message: string,
    readonly help?: string,
  ) {
    super(message);
  }
}

/** Of each input a T; of a list an array of T; of an optional input maybe none. */
type PerInput<I, T> = {
  readonly [K in keyof I]: I[K] extends ListSpec ? readonly T[] : I[K] extends OptionalSpec ? T | undefined : T;
};
type Types<I> = PerInput<I, TensorType>;
type Handles<I> = PerInput<I, Tensor>;
type Options<O> = { readonly [K in keyof O]: O[K] extends OptionSpec<infer T> ? T : never };

export interface GradientContext<I, O> {
  /** The node's inputs and outputs. */
  readonly inputs: PerInput<I, Value>;
  readonly outputs: Readonly<Record<string, Value>>;
  readonly options: Options<O>;
  /** d(loss)/d(output) of the first output; zeros where nothing depends on it. */
  readonly cotangent: Value;
  /** d(loss)/d(output) of each output that the loss depends on. */
  readonly cotangents: Readonly<Record<string, Value | undefined>>;
  /** Adds a node to the joint graph; its outputs by name. Options in stored form, defaults filled in. */
  readonly emit: (
    op: string,
    inputs: Record<string, Value | readonly Value[] | undefined>,
    options?: Record<string, OptionValue>,
  ) => Record<string, Value>;
  /** The node's own options in stored form, to pass on. */
  readonly stored: Readonly<Record<string, OptionValue>>;
}

/** Emits the gradient of one input when it is asked for; a list input has an array of them. */
export type GradientThunk = () => Value;

export interface OpDefinition<
  I extends Record<string, InputSpec> = Record<string, InputSpec>,
  O extends Record<string, OptionSpec> = Record<string, OptionSpec>,
> {
  readonly name: string;
  /** A sentence. */
  readonly summary: string;
  /** Backward and bookkeeping ops, which no model file calls. */
  readonly inner: boolean;
  /** In order. The first are those that a model file passes; inputs named in `parameters` are added by the front end. */
  readonly inputs: I;
  readonly options: O;
  /** State the op brings along, by input name: `undefined` where it is not wanted (bias: false). */
  readonly parameters?: (inputs: Types<I>, options: Options<O>) => Record<string, ParameterSpec | undefined>;
  /** DSL-only options: `activation` adds a relu after the op, `bias` decides whether a bias parameter is made. */
  readonly sugar?: readonly ("activation" | "bias")[];
  /**
   * Shape rule: output types by name, the first being the op's value; named "0", "1", ..., the value is an array of all.
   * Throws OpError. Lists arrive as arrays.
   */
  readonly outputs: (inputs: Types<I>, options: Options<O>) => Record<string, TensorType>;
  /** The meaning: what each output is. */
  readonly compute: (inputs: Handles<I>, options: Options<O>, k: Compute) => Record<string, Tensor>;
  /** In infer mode, where it differs. */
  readonly inference?: (inputs: Handles<I>, options: Options<O>, k: Compute) => Record<string, Tensor>;
  /** For each differentiable input a function that emits its gradient, so that only what is needed is emitted. */
  readonly gradient?: (
    g: GradientContext<I, O>,
  ) => Record<string, GradientThunk | readonly GradientThunk[] | undefined>;
  /** The input that the op hands on unchanged (of a list, its only element), where options or shapes make it so. */
  readonly identity?: (inputs: Types<I>, options: Options<O>, mode: Mode) => (keyof I & string) | undefined;
  /** State inputs that a training step replaces: input name -> output name (running statistics, parameters). */
  readonly updates?: Readonly<Record<string, string>>;
  /** `conv2d(x: [2,3,8,8], { channels: 4, kernel: 3 }) -> [2,4,6,6]` */
  readonly good: readonly string[];
  /** `maxPool2d(x: [2,4,9,9], { kernel: 12 }) -> KILN2004` */
  readonly bad: readonly string[];
}

type Body<I extends Record<string, InputSpec>, O extends Record<string, OptionSpec>> = Omit<
  OpDefinition<I, O>,
  "name" | "inner" | "options" | "good" | "bad"
> & { readonly options?: O; readonly good?: readonly string[]; readonly bad?: readonly string[] };

const define = <I extends Record<string, InputSpec>, O extends Record<string, OptionSpec>>(
  name: string,
  inner: boolean,
  body: Body<I, O>,
): OpDefinition => {
  const whole = { good: [], bad: [], ...body, options: body.options ?? ({} as O), name, inner };
  return whole as unknown as OpDefinition;
};

/** An op that model files call. */
export const op = <I extends Record<string, InputSpec>, O extends Record<string, OptionSpec> = Record<string, never>>(
  name: string,
  body: Body<I, O>,
): OpDefinition => define(name, false, body);

/** An op that only the compiler makes: gradients, loss, updates. */
export const innerOp = <
  I extends Record<string, InputSpec>,
  O extends Record<string, OptionSpec> = Record<string, never>,
>(
  name: string,
  body: Body<I, O>,
): OpDefinition => define(name, true, body);

/** What `compute` and shape rules see of a node's options. */
export const readOptions = (definition: OpDefinition, stored: Readonly<Record<string, OptionValue>>) =>
  Object.fromEntries(Object.entries(definition.options).map(([key, spec]) => [key, spec.read(stored[key])]));

// ---------------------------------------------------------------- compute

/** -FLT_MAX: the start of a maximum and the padding of max pooling, since WGSL has no infinity. */
export const lowestFloat = -3.4028234663852886e38;

type IndexLike = Index | Axis | number | ExactQuotient;

/** index / by where the remainder is 0; a read through it has its fill elsewhere. */
export class ExactQuotient {
  constructor(
    readonly index: Index,
    readonly by: number,
  ) {}
}

export const divideExact = (index: Index | Axis | number, by: number): Index | ExactQuotient =>
  by === 1 ? Index.of(index) : new ExactQuotient(Index.of(index), by);

/** A tensor as `compute` sees it. */
export class Tensor {
  constructor(readonly value: Value) {}

  get shape(): readonly number[] {
    return this.value.type.shape;
  }
  get dtype(): DType {
    return this.value.type.dtype;
  }

  /** The element at an index; 0 outside the tensor, and where an exact quotient leaves a remainder. */
  at(...index: IndexLike[]): Scalar {
    return this.atOr(0, ...index);
  }

  /** The element at an index; `fill` outside the tensor, and where an exact quotient leaves a remainder. */
  atOr(fill: number, ...index: IndexLike[]): Scalar {
    if (index.length !== this.shape.length)
      throw new Error(`%${this.value.name}: ${formatType(this.value.type)} read with ${index.length} indices`);
    const guard: Condition[] = [];
    const position = index.map((given, d) => {
      let i: Index;
      if (given instanceof ExactQuotient) {
        guard.push({ kind: "divisible", index: given.index, by: given.by });
        i = given.index.div(given.by);
      } else i = Index.of(given);
      const { low, high } = i.interval();
      const extent = this.shape[d];
      if (low < 0) guard.push({ kind: "nonNegative", index: i });
      if (high >= extent) guard.push({ kind: "nonNegative", index: Index.of(extent - 1).minus(i) });
      return i;
    });
    return new Scalar({ kind: "read", tensor: this.value, index: position, guard, fill }, this.dtype);
  }
}

type Extents = readonly number[] | Readonly<Record<string, number>>;

const axesOf = (extents: Extents, names: readonly string[]): Axis[] =>
  Array.isArray(extents)
    ? extents.map((extent, i) => new Axis(names[i] ?? `i${i}`, extent))
    : Object.entries(extents as Record<string, number>).map(([name, extent]) => new Axis(name, extent));

const axisNames: Record<number, string[]> = { 1: ["i"], 2: ["n", "c"], 4: ["n", "c", "h", "w"] };

/** Collects the definitions of one node while its `compute` runs. */
export class Compute {
  readonly definitions: Definition[] = [];

  constructor(
    private readonly op: string,
    /** A fresh name for an intermediate value. */
    private readonly fresh: (hint: string) => string,
    private readonly location?: Definition["location"],
    /** A number of its own for each random op of the model, in order. */
    readonly stream = 0,
  ) {}

  /** out[axes] = f(axes) */
  map(extents: Extents, f: (axes: Index[]) => Scalar, hint = "t"): Tensor {
    return this.reduce(undefined, extents, {}, f, hint)[0];
  }
  /** out[axes] = the sum over the reduction domain of f(axes, reduction axes), in row-major order. */
  sum(extents: Extents, over: Extents, f: (axes: Index[], over: Index[]) => Scalar, hint = "sum"): Tensor {
    return this.reduce("sum", extents, over, f, hint)[0];
  }
  max(extents: Extents, over: Extents, f: (axes: Index[], over: Index[]) => Scalar, hint = "max"): Tensor {
    return this.reduce("max", extents, over, f, hint)[0];
  }
  /** The greatest value, and as u32 the row-major position in the reduction domain where it stands first. */
  firstMax(extents: Extents, over: Extents, f: (axes: Index[], over: Index[]) => Scalar): [Tensor, Tensor] {
    return this.reduce("firstMax", extents, over, f, "max") as [Tensor, Tensor];
  }

  uniform(name: UniformName): Scalar {
    return Scalar.uniform(name);
  }
  /** Uniform in [0, 1), a number of its own for each element of this op at each step. */
  random(element: Index): Scalar {
    return Scalar.random(this.stream, element);
  }

  private reduce(
    combiner: Combiner | undefined,
    extents: Extents,
    over: Extents,
    f: (axes: Index[], over: Index[]) => Scalar,
    hint: string,
  ): Tensor[] {
    const names = Array.isArray(extents) ? (axisNames[extents.length] ?? []) : [];
    const axes = axesOf(extents, names);
    const reduced = axesOf(over, ["p", "q", "r", "s"]);
    const body = f(axes.map(Index.of), reduced.map(Index.of));
    if (body.dtype === "bool") throw new Error(`${this.op}: a tensor of bool`);
    const shape = axes.map((a) => a.extent);
    const outputs: Value[] = [{ name: this.fresh(hint), type: tensorType(body.dtype, shape) }];
    if (combiner === "firstMax") outputs.push({ name: this.fresh("position"), type: tensorType("u32", shape) });
    this.definitions.push({
      outputs,
      axes,
      reduction: combiner && { combiner, axes: reduced },
      body,
      location: this.location,
      op: this.op,
    });
    return outputs.map((v) => new Tensor(v));
  }
}

/** Row-major position of an index in a shape. */
export const flatIndex = (index: readonly Index[], shape: readonly number[]): Index =>
  index.reduce((sum, i, d) => sum.plus(i.times(elementCount(shape.slice(d + 1)))), Index.of(0));
