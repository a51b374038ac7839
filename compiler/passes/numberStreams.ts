/** Gives every random op a stream of random numbers of its own, in node order. */

import type { Graph } from "../ir/graph.ts";
import { definitionOf } from "./graphBuilder.ts";

/** Fills the hidden option `stream` of each node that has one with 1, 2, ...; before any pass that merges nodes. */
export function numberStreams(graph: Graph): Graph {
  let count = 0;
  const nodes = graph.nodes.map((node) =>
    "stream" in definitionOf(node.op).options ? { ...node, options: { ...node.options, stream: ++count } } : node,
  );
  return { ...graph, nodes };
}
