/** A graph around one op, from an example in its file. */

import type { Graph, State } from "../../compiler/ir/graph.ts";
import { elementCount, f32, type Value } from "../../compiler/ir/types.ts";
import { readOptions } from "../../compiler/ops/define.ts";
import { exampleTypes, parseExample } from "../../compiler/ops/example.ts";
import { fillOptions } from "../../compiler/ops/shapeRule.ts";
import { definitionOf, GraphBuilder } from "../../compiler/passes/graphBuilder.ts";
import { numberStreams } from "../../compiler/passes/numberStreams.ts";

/** The op on the model's input; further tensors that it takes are parameters. */
export function exampleGraph(text: string): Graph {
  const example = parseExample(text);
  const definition = definitionOf(example.op);
  const types = exampleTypes(example);
  const [first] = Object.values(types).flat();
  // A model's input is an image; what is none comes out of one by flatten.
  const isImage = first.shape.length === 4;
  const shape = isImage ? first.shape : [first.shape[0], elementCount(first.shape.slice(1)), 1, 1];
  const input: Value = { name: "input", type: f32(...shape) };
  const states: State[] = [];
  const parameter = (name: string, type: Value["type"]): Value => {
    const value = { name, type };
    states.push({ value, role: "parameter", initializer: { kind: "xavier" } });
    return value;
  };
  const [, channels, height, width] = shape;
  const bare: Graph = {
    stage: "graph",
    name: example.op,
    mode: "train",
    image: { channels, height, width, mean: Array(channels).fill(0), std: Array(channels).fill(1) },
    inputs: [{ value: input, kind: "input" }],
    states: [],
    nodes: [],
    outputs: [],
    updates: [],
  };
  const builder = new GraphBuilder(bare);
  let left: Value | null = isImage ? input : builder.emit("flatten", { x: input }, {}, "flat").y;
  const values: Record<string, Value | Value[]> = {};
  for (const [name, type] of Object.entries(types)) {
    const made = [type].flat().map((t, i) => {
      const value = left ?? parameter(`${name}_${i}`, t);
      left = null;
      return value;
    });
    values[name] = Array.isArray(type) ? made : made[0];
  }
  const options = fillOptions(definition, example.options);
  const own = definition.parameters?.(types as never, readOptions(definition, options)) ?? {};
  for (const [name, spec] of Object.entries(own)) {
    if (!spec) continue;
    const value = { name: `${example.op}_1.${name}`, type: f32(...spec.shape) };
    states.push({ value, role: spec.role ?? "parameter", initializer: spec.initializer });
    values[name] = value;
  }
  const output = Object.values(builder.emit(example.op, values, options, `${example.op}_1`))[0];
  return numberStreams({ ...bare, states, nodes: builder.nodes, outputs: [{ name: "output", value: output }] });
}
