/** Builds graphs around one op and evaluates them in float64. */
import { readFileSync } from "node:fs";
import type { Graph, OptionValue, State } from "../../compiler/ir/graph.ts";
import { elementCount, f32, type Value } from "../../compiler/ir/types.ts";
import { verifyExpr } from "../../compiler/ir/verifyExpr.ts";
import { verifyGraph } from "../../compiler/ir/verifyGraph.ts";
import { readOptions } from "../../compiler/ops/define.ts";
import { type Example, exampleTypes } from "../../compiler/ops/example.ts";
import { fillOptions } from "../../compiler/ops/shapeRule.ts";
import { differentiate } from "../../compiler/passes/autodiff.ts";
import { mergeCommonDefinitions } from "../../compiler/passes/commonDefinitions.ts";
import { removeDeadDefinitions } from "../../compiler/passes/deadDefinitions.ts";
import { foldConstants } from "../../compiler/passes/foldConstants.ts";
import { definitionOf, GraphBuilder } from "../../compiler/passes/graphBuilder.ts";
import { lower } from "../../compiler/passes/lower.ts";
import { numberStreams } from "../../compiler/passes/numberStreams.ts";
import { compileReference } from "../../compiler/reference/evaluate.ts";

/** A small generator of numbers for test data (mulberry32): the same in every run. */
export const draws = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Numbers in -1..1. */
export const randomTensor = (shape: readonly number[], next: () => number): Float64Array =>
  Float64Array.from({ length: elementCount(shape) }, () => 2 * next() - 1);

/** A graph without nodes whose only input is `shape`. */
export const emptyGraph = (shape: readonly number[], name = "input"): Graph & { readonly x: Value } => {
  const x: Value = { name, type: f32(...shape) };
  return {
    stage: "graph",
    name: "test",
    mode: "train",
    image: { channels: 1, height: 1, width: 1, mean: [0], std: [1] },
    inputs: [{ value: x, kind: "input" }],
    states: [],
    nodes: [],
    outputs: [],
    updates: [],
    x,
  };
};

/**
 * The op alone, or in the middle of a graph: every tensor that it reads is x + softmax(x), and so is what comes after
 * it. The first tensor is the graph's input, all others are parameters. Of an array of outputs the first is left unused
 * where there are several.
 */
export const opGraph = (
  op: string,
  inputs: Example["inputs"],
  given: Readonly<Record<string, OptionValue>>,
  place: "alone" | "middle",
): Graph => {
  const definition = definitionOf(op);
  const types = exampleTypes({ op, inputs, options: given, result: [] });
  const options = fillOptions(definition, given);
  const [first] = Object.values(types).flat();
  const { x, ...empty } = emptyGraph(first.shape);
  const states: State[] = [];
  let isFirst = true;
  const values = Object.fromEntries(
    Object.entries(types).map(([name, type]) => {
      const made = [type].flat().map((t, i): Value => {
        if (isFirst) {
          isFirst = false;
          return x;
        }
        const value = { name: `${name}_${i}`, type: t };
        states.push({ value, role: "parameter", initializer: { kind: "xavier" } });
        return value;
      });
      return [name, Array.isArray(type) ? made : made[0]];
    }),
  );
  const parameters = definition.parameters?.(types as never, readOptions(definition, options)) ?? {};
  for (const [name, spec] of Object.entries(parameters)) {
    if (!spec) continue;
    const value = { name: `${op}_1.${name}`, type: f32(...spec.shape) };
    states.push({ value, role: spec.role ?? "parameter", initializer: spec.initializer });
    values[name] = value;
  }
  const builder = new GraphBuilder({ ...empty, states });
  const mixed = (v: Value): Value => {
    const { y } = builder.emit("softmax", { x: v }, { axis: 1 }, `${v.name}.softmax`);
    return builder.emit("add", { a: v, b: y }, {}, `${v.name}.mixed`).y;
  };
  const read = Object.fromEntries(
    Object.entries(values).map(([name, v]) => {
      if (place === "alone" || name in parameters) return [name, v];
      return [name, Array.isArray(v) ? v.map(mixed) : mixed(v as Value)];
    }),
  );
  const outputs = builder.emit(op, read, options, `${op}_1`);
  const names = Object.keys(outputs);
  const main = outputs[names[0]];
  let output = main;
  if (place === "middle")
    output = mixed(names[0] === "0" && names.length > 1 ? outputs[names[names.length - 1]] : main);
  const graph: Graph = { ...empty, states, nodes: builder.nodes, outputs: [{ name: "output", value: output }] };
  return numberStreams(graph);
};

/** Numbers for every input and state: labels are 0, running variances positive. */
export const bindingsFor = (graph: Pick<Graph, "inputs" | "states">, next: () => number): Map<Value, Float64Array> => {
  const bindings = new Map<Value, Float64Array>();
  for (const { value } of [...graph.inputs, ...graph.states]) {
    const data = randomTensor(value.type.shape, next);
    bindings.set(value, value.name.endsWith("running_var") ? data.map((v) => 1.5 + v) : data);
  }
  return bindings;
};

const uniforms = { seed: 7, step: 3, lr: 0.1, momentum: 0.9, weightDecay: 0.01 };

/** Verifies, lowers and verifies again; then a function from bindings to all values. */
export const prepare = (graph: Graph) => {
  verifyGraph(graph);
  const program = lower(graph);
  verifyExpr(program);
  const simplified = removeDeadDefinitions(mergeCommonDefinitions(foldConstants(program)));
  verifyExpr(simplified);
  const run = compileReference(simplified);
  return {
    program: simplified,
    run: (bindings: ReadonlyMap<Value, Float64Array>, more = {}) => run(bindings, { ...uniforms, ...more }),
    /** The value of an output. */
    output: (values: ReadonlyMap<Value, Float64Array>, name: string) =>
      values.get(simplified.outputs.find((o) => o.name === name)!.value)!,
  };
};

/**
 * Gradients of sum(output * random cotangent) against central differences along random directions. The greatest error
 * over all inputs and parameters, relative to the gradient's length.
 */
export const gradientError = (graph: Graph, seed: number): number => {
  const next = draws(seed);
  const joint = differentiate(graph, { target: "cotangent", gradients: "all" });
  const { run, output } = prepare(joint);
  const bindings = bindingsFor(joint, next);
  const cotangent = bindings.get(joint.inputs.find((i) => i.kind === "cotangent")!.value)!;
  const value = (given: ReadonlyMap<Value, Float64Array>): number => dot(output(run(given), "output"), cotangent);
  const gradients = run(bindings);
  const wanted: [string, Value][] = [
    ["grad.input", graph.inputs[0].value],
    ...graph.states
      .filter((s) => s.role === "parameter")
      .map((s): [string, Value] => [`grad.${s.value.name}`, s.value]),
  ];
  let worst = 0;
  for (const [name, v] of wanted) {
    const gradient = output(gradients, name);
    const length = Math.sqrt(dot(gradient, gradient));
    for (let trial = 0; trial < 3; trial++) {
      const direction = randomTensor(v.type.shape, next);
      const at = (step: number) =>
        value(
          new Map(bindings).set(
            v,
            bindings.get(v)!.map((x, i) => x + step * direction[i]),
          ),
        );
      const step = 1e-5;
      const numeric = (at(step) - at(-step)) / (2 * step);
      const size = Math.max(length * Math.sqrt(dot(direction, direction)), 1e-3);
      worst = Math.max(worst, Math.abs(numeric - dot(gradient, direction)) / size);
    }
  }
  return worst;
};

export const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0);

/** ||a - b|| / max(||b||, 1e-12), as test/reference/README.md has it. */
export const relativeError = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    size += b[i] ** 2;
  }
  return Math.sqrt(difference) / Math.max(Math.sqrt(size), 1e-12);
};

export const readJson = (path: string) => JSON.parse(readFileSync(path, "utf8"));
