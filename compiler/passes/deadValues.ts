/** Drops nodes that no output and no update needs. */

import { type Graph, inputValues, type Node, outputValues } from "../ir/graph.ts";
import type { Value } from "../ir/types.ts";

export function removeDeadValues(graph: Graph): Graph {
  const live = new Set<Value>([...graph.outputs.map((o) => o.value), ...graph.updates.map((u) => u.next)]);
  const kept: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!outputValues(node).some((v) => live.has(v))) continue;
    for (const v of inputValues(node)) live.add(v);
    kept.push(node);
  }
  return { ...graph, nodes: kept.reverse() };
}
