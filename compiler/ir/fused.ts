/**
 * The `fused` stage: definitions in groups, each to become one kernel; layouts chosen.
 *
 * A group runs its steps in order for every point of its axes. A reduce step gives locals that later steps read; a
 * store step writes one value, over further axes of its own where it has any.
 */

import type { Combiner } from "./expr.ts";
import type { ImageInput, Input, Mode, Output, State, Update } from "./graph.ts";
import type { Axis, Index } from "./index.ts";
import type { Local, Scalar } from "./scalar.ts";
import type { SourceLocation, Value } from "./types.ts";

export interface ReduceStep {
  readonly kind: "reduce";
  readonly combiner: Combiner;
  /** One local; for firstMax the maximum and its position. */
  readonly results: readonly Local[];
  readonly axes: readonly Axis[];
  readonly body: Scalar;
  /** What a sum starts from, over the group's axes: the sum so far, where another group has made a part of it. 0 where not said. */
  readonly start?: Scalar;
}

export interface StoreStep {
  readonly kind: "store";
  readonly value: Value;
  /** Axes beside the group's. */
  readonly axes: readonly Axis[];
  /** One index a dimension of the value; together they reach every element once. */
  readonly index: readonly Index[];
  readonly expr: Scalar;
}

export type Step = ReduceStep | StoreStep;

/** What a step computes. */
export const scalarsOf = (step: Step): readonly Scalar[] =>
  step.kind === "store" ? [step.expr] : step.start ? [step.start, step.body] : [step.body];

export interface Group {
  readonly name: string;
  readonly axes: readonly Axis[];
  readonly steps: readonly Step[];
  readonly locations: readonly SourceLocation[];
  /** The graph ops inside, in order. */
  readonly ops: readonly string[];
  /** That of the first definition inside that names one. */
  readonly algorithm?: string;
  /** Name of the group that this one is a slice of, or makes the values of once more. Told to people, and left out of text. */
  readonly copyOf?: string;
  /** The most bytes of operands that the kernel may read from textures; what its schedule likes where not said. */
  readonly textureBytes?: number;
}

/** Physical order of a value's logical dimensions, slowest first: NHWC of an image is [0, 2, 3, 1]. */
export type Layout = readonly number[];

export interface FusedProgram {
  readonly stage: "fused";
  readonly name: string;
  readonly mode: Mode;
  readonly image: ImageInput;
  readonly classes?: number;
  readonly inputs: readonly Input[];
  readonly states: readonly State[];
  readonly groups: readonly Group[];
  /** Of every value that is stored; all versions of a state share one. */
  readonly layouts: ReadonlyMap<Value, Layout>;
  readonly outputs: readonly Output[];
  readonly updates: readonly Update[];
}
