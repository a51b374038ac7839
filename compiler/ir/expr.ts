/**
 * The `expr` stage: what every value is, as index expressions (as in Halide or TVM's tensor expressions).
 *
 * Invariants (held by verifyExpr): a definition's axes have the extents of its output's shape; every read is inside its
 * tensor wherever its guard holds; definitions stand in a valid order; state is read before its update.
 */
import type { Layout } from "./fused.ts";
import type { ImageInput, Input, Mode, Output, State, Update } from "./graph.ts";
import type { Axis } from "./index.ts";
import type { Scalar } from "./scalar.ts";
import type { SourceLocation, Value } from "./types.ts";

/** firstMax: the greatest value and, as u32, the row-major position in the reduction domain where it stands first. */
export type Combiner = "sum" | "max" | "firstMax";

export interface Reduction {
  readonly combiner: Combiner;
  readonly axes: readonly Axis[];
}

/** output[axes] = combine over reduction.axes of body. */
export interface Definition {
  /** One value; for firstMax the maximum and its position. */
  readonly outputs: readonly Value[];
  readonly axes: readonly Axis[];
  readonly reduction?: Reduction;
  readonly body: Scalar;
  readonly location?: SourceLocation;
  /** The graph op that this comes from, for names and reports. */
  readonly op: string;
  /** How a pass has it computed, where not as the op defines it: `split`, for a part of a sum and the sum of its parts. */
  readonly algorithm?: string;
}

export interface ExprProgram {
  readonly stage: "expr";
  readonly name: string;
  readonly mode: Mode;
  readonly image: ImageInput;
  readonly classes?: number;
  readonly inputs: readonly Input[];
  readonly states: readonly State[];
  readonly definitions: readonly Definition[];
  readonly outputs: readonly Output[];
  readonly updates: readonly Update[];
}

/** The layouts of all its values chosen. */
export interface LaidOutProgram extends ExprProgram {
  readonly layouts: ReadonlyMap<Value, Layout>;
}
