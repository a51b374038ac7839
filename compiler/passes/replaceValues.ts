/** Puts other values in the place of some, wherever a graph reads them. */

import type { Graph, Node } from "../ir/graph.ts";
import type { Value } from "../ir/types.ts";

/** The graph with every read of a key of `map` made a read of its value; chains are followed. */
export const replaceValues = (graph: Graph, map: ReadonlyMap<Value, Value>): Graph => {
  const last = (v: Value): Value => {
    const next = map.get(v);
    return next ? last(next) : v;
  };
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: Object.fromEntries(
      Object.entries(node.inputs).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.map(last) : last(value as Value),
      ]),
    ) as Node["inputs"],
  }));
  return {
    ...graph,
    nodes,
    outputs: graph.outputs.map((o) => ({ ...o, value: last(o.value) })),
    updates: graph.updates.map((u) => ({ ...u, next: last(u.next) })),
  };
};
