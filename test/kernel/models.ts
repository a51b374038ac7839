/** Small models as graphs, and programs run kernel by kernel in the interpreter beside the float64 reference. */
import { interpretKernel } from "../../compiler/interpret/interpretKernel.ts";
import type { FusedProgram } from "../../compiler/ir/fused.ts";
import type { Graph, OptionValue, State } from "../../compiler/ir/graph.ts";
import type { Kernel } from "../../compiler/ir/kernel.ts";
import { elementCount, f32, type Value } from "../../compiler/ir/types.ts";
import { verifyKernel } from "../../compiler/ir/verifyKernel.ts";
import { readOptions } from "../../compiler/ops/define.ts";
import { fillOptions } from "../../compiler/ops/shapeRule.ts";
import { definitionOf, GraphBuilder, typesOf } from "../../compiler/passes/graphBuilder.ts";
import { numberStreams } from "../../compiler/passes/numberStreams.ts";
import { compileEntry } from "../../compiler/pipeline.ts";
import { evaluate } from "../../compiler/reference/evaluate.ts";
import type { ScheduleChoice } from "../../compiler/schedule/index.ts";
import type { Target } from "../../runtime/program/schema.ts";

/** Calls an op on its first input; `more` holds the others, and undefined for a parameter that is not wanted. */
export type Call<Result = Value> = (
  op: string,
  x: Value,
  options?: Record<string, OptionValue>,
  more?: Record<string, unknown>,
) => Result;

/** A model in train mode; `build` calls ops, whose parameters become states: for the first output, or for all. */
export function model(
  shape: readonly [number, number, number, number],
  build: (call: Call, x: Value, all: Call<Value[]>) => Value,
): Graph {
  const x: Value = { name: "input", type: f32(...shape) };
  const states: State[] = [];
  const empty: Graph = {
    stage: "graph",
    name: "m",
    mode: "train",
    image: {
      ...{ channels: shape[1], height: shape[2], width: shape[3] },
      mean: Array(shape[1]).fill(3),
      std: Array(shape[1]).fill(2),
    },
    inputs: [{ value: x, kind: "input" }],
    states,
    nodes: [],
    outputs: [],
    updates: [],
  };
  const builder = new GraphBuilder(empty);
  let count = 0;
  const all: Call<Value[]> = (op, input, options = {}, more = {}) => {
    const definition = definitionOf(op);
    const [first] = Object.keys(definition.inputs);
    const inputs: Record<string, any> = { [first]: input, ...more };
    const name = `${op}_${++count}`;
    const filled = fillOptions(definition, options);
    const specs = definition.parameters?.(typesOf(inputs) as never, readOptions(definition, filled)) ?? {};
    for (const [key, spec] of Object.entries(specs)) {
      if (!spec || key in more) continue;
      const value = { name: `${name}.${key}`, type: f32(...spec.shape) };
      states.push({ value, role: spec.role ?? "parameter", initializer: spec.initializer });
      inputs[key] = value;
    }
    return Object.values(builder.emit(op, inputs, filled, name));
  };
  const output = build((...call) => all(...call)[0], x, all);
  const classes = output.type.shape.length === 2 ? output.type.shape[1] : undefined;
  const graph: Graph = { ...empty, nodes: builder.nodes, outputs: [{ name: "output", value: output }], classes };
  return numberStreams(graph);
}

export const uniforms = {
  seed: 7,
  step: 3,
  lr: 0.1,
  momentum: 0.9,
  weightDecay: 0.01,
  pictureHeight: 5,
  pictureWidth: 6,
};

/** Numbers for every input and state, the same in every run. */
export function bindingsFor(graph: Graph): Map<Value, Float64Array> {
  let state = 12345;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const classes = graph.classes ?? 1;
  const of = (value: Value, kind: string) =>
    Float64Array.from({ length: elementCount(value.type.shape) }, () => {
      if (kind === "labels") return Math.floor(next() * classes);
      if (kind === "pictures") return Math.floor(next() * 2 ** 32);
      // All bits of a double: sums then tell in which order they were added.
      return (value.name.endsWith("running_var") ? 0.5 + next() : 2 * next() - 1) / 1.0000001;
    });
  return new Map([
    ...graph.inputs.map((i) => [i.value, of(i.value, i.kind)] as const),
    ...graph.states.map((s) => [s.value, of(s.value, s.role)] as const),
  ]);
}

/** For each element in memory, which element of the row-major tensor it is. */
function memoryOrder(value: Value, layouts: FusedProgram["layouts"]): number[] {
  const { shape } = value.type;
  const order = layouts.get(value) ?? shape.map((_, d) => d);
  const strides = shape.map((_, d) => elementCount(shape.slice(d + 1)));
  let places = [0];
  for (const d of order) places = places.flatMap((p) => Array.from({ length: shape[d] }, (_, i) => p + i * strides[d]));
  return places;
}

/** From row-major to the order in memory. */
export const toMemory = (data: Float64Array, value: Value, layouts: FusedProgram["layouts"]): Float64Array =>
  Float64Array.from(memoryOrder(value, layouts), (place) => data[place]);

/** From the order in memory to row-major. */
export const fromMemory = (memory: Float64Array, value: Value, layouts: FusedProgram["layouts"]): Float64Array => {
  const data = new Float64Array(memory.length);
  for (const [i, place] of memoryOrder(value, layouts).entries()) data[place] = memory[i];
  return data;
};

export interface Outcome {
  readonly kernels: readonly Kernel[];
  /** What the verifier says, all stores proved inside. */
  readonly problems: readonly string[];
  /** By value: the greatest difference to the reference; relative to the value's greatest number where that is above 1. */
  readonly errors: ReadonlyMap<string, number>;
}

interface Options {
  readonly choose?: ScheduleChoice;
  /** Write values in place of others wherever a kernel says that it may be done. */
  readonly inPlace?: boolean;
}

/** A graph's kernels in the plan's order, and which values are versions of one storage. */
export function compileKernels(graph: Graph, target: Target, choose?: ScheduleChoice) {
  const { expr, fused, problem } = compileEntry(graph, { target, choose });
  const previous = new Map(fused.updates.map(({ state, next }) => [next, state]));
  const storageOf = (value: Value): Value => (previous.has(value) ? storageOf(previous.get(value)!) : value);
  return { expr, fused, kernels: problem.kernels, storageOf };
}

/** Compiles a graph for a target and runs its kernels in the interpreter, in the plan's order. */
export function runProgram(graph: Graph, target: Target, { choose, inPlace = false }: Options = {}): Outcome {
  const { expr, fused, kernels, storageOf } = compileKernels(graph, target, choose);
  const { layouts } = fused;
  const bindings = bindingsFor(graph);
  const expected = evaluate(expr, bindings, uniforms);

  const memory = new Map<Value, Float64Array>();
  for (const [value, data] of bindings) memory.set(value, toMemory(data, value, layouts));
  const at = (value: Value): Float64Array => {
    let array = memory.get(value);
    if (!array) {
      array = new Float64Array(elementCount(value.type.shape)).fill(Number.NaN);
      memory.set(value, array);
    }
    return array;
  };
  // Versions of a state share its storage.
  for (const { state, next } of fused.updates) memory.set(next, at(state));

  const errors = new Map<string, number>();
  for (const kernel of kernels) {
    const place = new Map(kernel.buffers.map((b) => [b.value, at(b.value)]));
    const [pair] = kernel.inPlace;
    if (inPlace && pair) {
      const shared = at(pair[1]).slice();
      place.set(pair[0], shared).set(pair[1], shared);
      memory.set(pair[0], shared);
    }
    interpretKernel(kernel, new Map(kernel.buffers.map((b) => [b.name, place.get(b.value)!])), uniforms);
    for (const b of kernel.buffers) {
      const reference = expected.get(b.value);
      if (b.writes && reference)
        errors.set(b.value.name, difference(fromMemory(at(b.value), b.value, layouts), reference));
    }
  }
  for (const { name, value } of fused.outputs)
    if (!memory.has(value)) throw new Error(`output ${name} is never written`);
  return { kernels, errors, problems: kernels.flatMap((k) => verifyKernel(k, target, { strict: true, storageOf })) };
}

/** The greatest difference; relative to the greatest number expected where that is above 1. */
export const difference = (actual: Float64Array, expected: Float64Array): number => {
  let [worst, size] = [0, 1];
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i] - expected[i]);
    worst = Number.isNaN(d) ? Number.POSITIVE_INFINITY : Math.max(worst, d);
    size = Math.max(size, Math.abs(expected[i]));
  }
  return worst / size;
};
