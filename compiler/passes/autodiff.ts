/** Reverse-mode differentiation: the graph with its loss (or a given cotangent), backward nodes and gradients. */

import { type Graph, type Input, type Node, type Output, outputValues } from "../ir/graph.ts";
import { type TensorType, tensorType, type Value } from "../ir/types.ts";
import { type GradientContext, type GradientThunk, readOptions } from "../ops/define.ts";
import { definitionOf, GraphBuilder, updatesOf } from "./graphBuilder.ts";

export interface DifferentiateOptions {
  /** labels: of the mean softmax cross-entropy with an input `labels`, i32 [N]. cotangent: of sum(output * cotangent). */
  readonly target: "labels" | "cotangent";
  /** all: the image's gradient too. */
  readonly gradients: "parameters" | "all";
}

/** The value of the output called `output`. */
export const modelOutput = (graph: Graph): Value => {
  const output = graph.outputs.find((o) => o.name === "output");
  if (!output) throw new Error(`${graph.name}: no output is called "output"`);
  return output.value;
};

/**
 * The joint graph, with outputs `output`, `loss` where there are labels, `grad.<parameter>` and, where all are asked
 * for, `grad.input`. Nodes whose gradient nobody needs get none. Statistics that training replaces become updates.
 */
export function differentiate(graph: Graph, options: DifferentiateOptions): Graph {
  const builder = new GraphBuilder(graph);
  const output = modelOutput(graph);
  const inputs: Input[] = [...graph.inputs];
  const outputs: Output[] = [...graph.outputs];
  const cotangents = new Cotangents(builder);

  if (options.target === "labels") {
    const labels = builder.value("labels", tensorType("i32", [output.type.shape[0]]));
    inputs.push({ value: labels, kind: "labels" });
    const { loss } = builder.emit("softmaxCrossEntropy", { logits: output, labels }, {}, "loss");
    outputs.push({ name: "loss", value: loss });
    const { y: one } = builder.emit("constant", {}, { value: 1, shape: [] }, "d.loss");
    cotangents.add(loss, one);
  } else {
    const cotangent = builder.value("cotangent", output.type);
    inputs.push({ value: cotangent, kind: "cotangent" });
    cotangents.add(output, cotangent);
  }

  const wanted: Output[] = graph.states
    .filter((s) => s.role === "parameter")
    .map(({ value }) => ({ name: `grad.${value.name}`, value }));
  if (options.gradients === "all")
    for (const { value, kind } of graph.inputs) {
      // The image is called grad.input whatever its value's name.
      if (kind === "input") wanted.unshift({ name: "grad.input", value });
    }

  const forward = builder.nodes.slice();
  const needed = dependents(
    forward,
    wanted.map((w) => w.value),
  );
  for (const node of forward.reverse()) backward(node, builder, cotangents, needed);

  for (const { name, value } of wanted) outputs.push({ name, value: cotangents.stored(value) });
  const updates = graph.mode === "train" ? graph.nodes.flatMap(updatesOf) : [];
  return { ...graph, stage: "joint", inputs, nodes: builder.nodes, outputs, updates: [...graph.updates, ...updates] };
}

/** The values that depend on any of `roots`, these included. */
const dependents = (nodes: readonly Node[], roots: readonly Value[]): Set<Value> => {
  const reached = new Set(roots);
  for (const node of nodes)
    if (
      Object.values(node.inputs)
        .flat()
        .some((v) => reached.has(v as Value))
    )
      for (const v of outputValues(node)) if (v.type.dtype === "f32") reached.add(v);
  return reached;
};

/** What each value's cotangent is summed from. */
class Cotangents {
  private readonly parts = new Map<Value, Value[]>();

  constructor(private readonly builder: GraphBuilder) {}

  add(of: Value, part: Value): void {
    const parts = this.parts.get(of);
    if (parts) parts.push(part);
    else this.parts.set(of, [part]);
  }

  /** The sum of all parts so far, which from here on is the only part; undefined where there are none. */
  of(value: Value): Value | undefined {
    const parts = this.parts.get(value);
    if (!parts) return undefined;
    const sum = parts.reduce((a, b) => this.builder.emit("add", { a, b }, {}, `d.${value.name}`).y);
    this.parts.set(value, [sum]);
    return sum;
  }

  ofOrZeros(value: Value): Value {
    return this.of(value) ?? this.zeros(value.type, `d.${value.name}`);
  }

  /** A cotangent to hand out: never an input itself, since outputs have storage of their own. */
  stored(value: Value): Value {
    const sum = this.ofOrZeros(value);
    if (this.builder.defines(sum)) return sum;
    return this.builder.emit("copy", { x: sum }, {}, `d.${value.name}`).y;
  }

  private zeros(type: TensorType, hint: string): Value {
    return this.builder.emit("constant", {}, { value: 0, shape: type.shape }, hint).y;
  }
}

const backward = (node: Node, builder: GraphBuilder, cotangents: Cotangents, needed: ReadonlySet<Value>): void => {
  const wanted = (value: Value | readonly Value[] | undefined): boolean =>
    value !== undefined && [value].flat().some((v) => needed.has(v as Value));
  if (!Object.values(node.inputs).some(wanted)) return;
  const definition = definitionOf(node.op);
  const own = Object.entries(node.outputs).map(([name, value]) => [name, cotangents.of(value)] as const);
  if (own.every(([, cotangent]) => cotangent === undefined)) return;
  if (!definition.gradient) throw new Error(`op ${node.op} has no gradient`);

  let hint = "";
  const [first] = outputValues(node);
  const context: GradientContext<any, any> = {
    inputs: node.inputs,
    outputs: node.outputs,
    options: readOptions(definition, node.options),
    get cotangent() {
      return cotangents.ofOrZeros(first);
    },
    cotangents: Object.fromEntries(own),
    emit: (op, inputs, options = {}) => builder.emit(op, inputs, options, hint, node.location),
    stored: node.options,
  };
  const contribute = (value: Value, thunk: GradientThunk | undefined) => {
    if (!thunk || !needed.has(value)) return;
    hint = `d.${value.name}`;
    cotangents.add(value, thunk());
  };
  for (const [name, thunks] of Object.entries(definition.gradient(context))) {
    const value = node.inputs[name];
    if (Array.isArray(value)) for (const [i, v] of value.entries()) contribute(v, (thunks as GradientThunk[])?.[i]);
    else if (value) contribute(value as Value, thunks as GradientThunk | undefined);
  }
};
