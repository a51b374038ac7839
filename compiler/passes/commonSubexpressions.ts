/** Merges nodes that compute the same: the same op of the same values with the same options. */

import { type Graph, type Node, outputValues } from "../ir/graph.ts";
import type { Value } from "../ir/types.ts";
import { replaceValues } from "./replaceValues.ts";

/** Random ops have their streams among the options by then (numberStreams), so two dropouts stay two. */
export function mergeCommonSubexpressions(graph: Graph): Graph {
  const map = new Map<Value, Value>();
  const first = new Map<string, Node>();
  const ids = new Map<Value, number>();
  const id = (v: Value): number => {
    const value = map.get(v) ?? v;
    if (!ids.has(value)) ids.set(value, ids.size);
    return ids.get(value)!;
  };
  const nodes = graph.nodes.filter((node) => {
    const inputs = Object.entries(node.inputs).map(([name, v]) => [name, [v].flat().map((x) => id(x as Value))]);
    const key = JSON.stringify([node.op, inputs, node.options]);
    const same = first.get(key);
    if (!same) {
      first.set(key, node);
      return true;
    }
    const kept = outputValues(same);
    for (const [i, v] of outputValues(node).entries()) map.set(v, kept[i]);
    return false;
  });
  return map.size === 0 ? graph : replaceValues({ ...graph, nodes }, map);
}
