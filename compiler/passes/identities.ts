/** Removes nodes that hand on their input: dropout of rate 0, a resize to the same size, a concat of one. */

import type { Graph } from "../ir/graph.ts";
import type { TensorType, Value } from "../ir/types.ts";
import { readOptions } from "../ops/define.ts";
import { definitionOf, typesOf } from "./graphBuilder.ts";
import { replaceValues } from "./replaceValues.ts";

/** The op says by its `identity` which input it hands on. A node that stands between an input and an output stays. */
export function removeIdentities(graph: Graph): Graph {
  const map = new Map<Value, Value>();
  const outside = new Set<Value>([...graph.inputs, ...graph.states].map((x) => x.value));
  const handedOut = new Set<Value>(graph.outputs.map((o) => o.value));
  const nodes = graph.nodes.filter((node) => {
    const op = definitionOf(node.op);
    const types = typesOf(node.inputs) as Record<string, TensorType>;
    const name = op.identity?.(types, readOptions(op, node.options), graph.mode);
    if (name === undefined) return true;
    const [given] = [node.inputs[name]].flat() as Value[];
    const source = map.get(given) ?? given;
    const [output] = Object.values(node.outputs);
    if (outside.has(source) && handedOut.has(output)) return true;
    map.set(output, source);
    return false;
  });
  return map.size === 0 ? graph : replaceValues({ ...graph, nodes }, map);
}
