/**
 * The `graph` and `joint` stages: operations on whole tensors in SSA form.
 *
 * Invariants (held by verifyGraph): every value is defined once and before it is read; `nodes` is in a valid order of
 * evaluation; a node's inputs, options and outputs are those that its op declares; names are unique.
 */
import type { SourceLocation, Value } from "./types.ts";

/** What an option may be after the front end has read it: a static value. Pairs are [h, w]. */
export type OptionValue = number | boolean | string | readonly number[];

export interface Node {
  /** Name of an op in compiler/ops. */
  readonly op: string;
  /** By the op's input names, in its order; absent where an optional input is not given. */
  readonly inputs: Readonly<Record<string, Value | readonly Value[]>>;
  /** Every option of the op, defaults filled in. */
  readonly options: Readonly<Record<string, OptionValue>>;
  /** By the op's output names, in its order. */
  readonly outputs: Readonly<Record<string, Value>>;
  readonly location?: SourceLocation;
}

export type StateRole = "parameter" | "velocity" | "statistic";

/** How a state tensor starts. xavier: uniform, magnitude 2.24, average of fan in and fan out (MXNet's definition). */
export type Initializer = { readonly kind: "xavier" } | { readonly kind: "constant"; readonly value: number };

/** A tensor that outlives a run: storage shared by all its versions. */
export interface State {
  readonly value: Value;
  readonly role: StateRole;
  readonly initializer: Initializer;
}

/** pictures: bytes [N, height, width, channels], four in a u32; height and width are uniforms, the shape a capacity. */
export type InputKind = "input" | "labels" | "cotangent" | "gradient" | "pictures";

export interface Input {
  readonly value: Value;
  readonly kind: InputKind;
}

/** The image that enters: value = (picture - mean[c]) / std[c], pictures being 0..255. */
export interface ImageInput {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** `next` replaces `state`: both share storage, so whatever reads `state` runs before `next` is written. */
export interface Update {
  readonly state: Value;
  readonly next: Value;
}

export interface Output {
  /** "output", "loss", "grad.input", "grad.<parameter>" */
  readonly name: string;
  readonly value: Value;
}

export type Mode = "train" | "infer";

export interface Graph {
  readonly stage: "graph" | "joint";
  readonly name: string;
  readonly mode: Mode;
  readonly image: ImageInput;
  /** Number of classes where the model states it: the output is then [N, classes]. */
  readonly classes?: number;
  readonly inputs: readonly Input[];
  readonly states: readonly State[];
  readonly nodes: readonly Node[];
  readonly outputs: readonly Output[];
  readonly updates: readonly Update[];
}

/** All input values of a node, lists flattened, in the order of its inputs. */
export const inputValues = (node: Node): Value[] =>
  Object.values(node.inputs).flatMap((v) => (Array.isArray(v) ? (v as Value[]) : [v as Value]));

export const outputValues = (node: Node): Value[] => Object.values(node.outputs);
