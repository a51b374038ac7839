/** What the memory planner is given, and the one rule of sizes that everything in the arena follows. */
import type { Target } from "../../runtime/program/schema.ts";
import type { Update } from "../ir/graph.ts";
import type { Kernel } from "../ir/kernel.ts";
import type { KernelProgram, PlannedProgram } from "../ir/kernelProgram.ts";
import { bindingAlignment } from "../ir/parts.ts";
import { bytesPerElement, elementCount, type Value } from "../ir/types.ts";

export interface PlanProblem {
  /** In the order in which they run. `orderKernels` finds a better one. */
  readonly kernels: readonly Kernel[];
  /** Written before dispatch 0: the input, a cotangent, gradients. In the arena, live from 0. */
  readonly inputs: readonly Value[];
  /** Live to the end. States and their next versions may be named too; they live on anyway. */
  readonly outputs: readonly Value[];
  /** Each in a GPU buffer of its own, outside the arena. */
  readonly states: readonly Value[];
  /** `next` is written into the storage of `state`; a next version may be the state of a further update. */
  readonly updates: readonly Update[];
  /** The run's own buffers (labels, pictures): neither arena nor state. */
  readonly external: readonly Value[];
  /** Pictures a batch; the first extent of what scales with it. */
  readonly batch: number;
  readonly target: Target;
}

/** What has to be planned of a program whose kernels are scheduled for `target`. */
export function planProblem(program: KernelProgram | PlannedProgram, target: Target): PlanProblem {
  const { kernels, inputs, outputs, states, updates } = program;
  const external = inputs.filter((i) => i.kind === "labels" || i.kind === "pictures").map((i) => i.value);
  return {
    kernels,
    inputs: inputs.map((i) => i.value).filter((v) => !external.includes(v)),
    outputs: outputs.map((o) => o.value),
    states: states.map((s) => s.value),
    updates,
    external,
    batch: inputs[0]?.value.type.shape[0] ?? 1,
    target,
  };
}

/** Every slice of the arena starts at a multiple. */
export const sliceAlignment = bindingAlignment;

export const roundToSlice = (bytes: number): number => Math.ceil(bytes / sliceAlignment) * sliceAlignment;

/** Bytes of a value as it lies in memory; at least one element, since a binding can't be empty. */
export const bytesOf = (value: Value): number => Math.max(1, elementCount(value.type.shape)) * bytesPerElement;

export const valuesRead = (kernel: Kernel): Value[] => distinct(kernel.buffers.filter((b) => b.reads));
export const valuesWritten = (kernel: Kernel): Value[] => distinct(kernel.buffers.filter((b) => b.writes));

const distinct = (buffers: Kernel["buffers"]): Value[] => [...new Set(buffers.map((b) => b.value))];
