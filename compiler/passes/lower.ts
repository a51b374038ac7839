/** From ops to index expressions: the one pass that asks ops for their `compute`. */

import type { Definition, ExprProgram } from "../ir/expr.ts";
import type { Graph, Node } from "../ir/graph.ts";
import type { Index } from "../ir/index.ts";
import type { Scalar } from "../ir/scalar.ts";
import { formatType, sameShape, type Value } from "../ir/types.ts";
import { Compute, readOptions, Tensor } from "../ops/define.ts";
import { definitionOf, Names, valuesOf } from "./graphBuilder.ts";
import { replaceTensors } from "./replaceTensors.ts";

/**
 * The definitions of every node, in order. The graph's own values are the ones defined; what an op computes on the way
 * is named `<first output>.<hint>`. In infer mode an op's `inference` takes the place of its `compute`.
 */
export function lower(graph: Graph): ExprProgram {
  const names = new Names(valuesOf(graph));
  const definitions = graph.nodes.flatMap((node) => lowerNode(node, graph.mode === "infer", names));
  const { name, mode, image, classes, inputs, states, outputs, updates } = graph;
  return { stage: "expr", name, mode, image, classes, inputs, states, definitions, outputs, updates };
}

const lowerNode = (node: Node, infer: boolean, names: Names): Definition[] => {
  const definition = definitionOf(node.op);
  const compute = (infer && definition.inference) || definition.compute;
  const [first] = Object.values(node.outputs);
  const stream = node.options.stream;
  const k = new Compute(
    node.op,
    (hint) => names.fresh(`${first.name}.${hint}`),
    node.location,
    typeof stream === "number" ? stream : 0,
  );
  const handles = Object.fromEntries(
    Object.entries(node.inputs).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map((v) => new Tensor(v)) : new Tensor(value as Value),
    ]),
  );
  const computed = compute(handles as Record<string, Tensor>, readOptions(definition, node.options), k);

  const renamed = new Map<Value, Value>();
  const copies: Definition[] = [];
  const made = new Set(k.definitions.flatMap((d) => d.outputs));
  for (const [name, tensor] of Object.entries(computed)) {
    const output = node.outputs[name];
    if (!output) throw new Error(`op ${node.op} computes ${name}, which is none of its outputs`);
    const { type } = tensor.value;
    if (type.dtype !== output.type.dtype || !sameShape(type.shape, output.type.shape))
      throw new Error(`op ${node.op}: ${name} is computed as ${formatType(type)}, declared ${formatType(output.type)}`);
    if (made.has(tensor.value) && !renamed.has(tensor.value)) renamed.set(tensor.value, output);
    else copies.push(copyDefinition(output, tensor.value, node));
  }
  return [...k.definitions, ...copies].map((d) => ({
    ...d,
    outputs: d.outputs.map((v) => renamed.get(v) ?? v),
    body: replaceTensors(d.body, renamed),
  }));
};

/** Where an op hands on what it was given. */
const copyDefinition = (output: Value, source: Value, node: Node): Definition => {
  const k = new Compute(node.op, () => output.name, node.location);
  const from = new Tensor(source);
  const scalar = (i: Index[]): Scalar => from.at(...i);
  k.map(output.type.shape, scalar);
  return { ...k.definitions[0], outputs: [output] };
};
