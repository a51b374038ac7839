/** maxPool2d(relu(x)) becomes relu(maxPool2d(x)): the rectifier has fewer elements to do, and its output is smaller. */

import { type Graph, inputValues, type Node } from "../ir/graph.ts";
import type { Value } from "../ir/types.ts";
import { Names, valuesOf } from "./graphBuilder.ts";

/**
 * Only where nothing else reads the rectified value. Values are the same, since both are monotone; gradients too: where
 * a window's maximum is positive both find the same first maximum, and where it is not neither lets anything through.
 * A window that is padding alone would have no maximum to rectify, so the padding must be smaller than the kernel.
 */
export function moveReluBehindPool(graph: Graph): Graph {
  const uses = new Map<Value, number>();
  const count = (v: Value) => uses.set(v, (uses.get(v) ?? 0) + 1);
  for (const node of graph.nodes) inputValues(node).forEach(count);
  for (const o of graph.outputs) count(o.value);
  const rectified = new Map<Value, Node>();
  for (const node of graph.nodes) if (node.op === "relu") rectified.set(node.outputs.y, node);

  const names = new Names(valuesOf(graph));
  const moved = new Set<Node>();
  const nodes = graph.nodes.flatMap((pool): Node[] => {
    if (pool.op !== "maxPool2d") return [pool];
    const relu = rectified.get(pool.inputs.x as Value);
    if (!relu || uses.get(relu.outputs.y) !== 1 || !paddingIsSmall(pool)) return [pool];
    moved.add(relu);
    const { y, winner } = pool.outputs;
    const largest: Value = { name: names.fresh(`${y.name}.largest`), type: y.type };
    return [
      { ...pool, inputs: { x: relu.inputs.x }, outputs: { y: largest, winner } },
      { ...relu, inputs: { x: largest }, outputs: { y } },
    ];
  });
  if (moved.size === 0) return graph;
  return { ...graph, nodes: nodes.filter((n) => !moved.has(n)) };
}

const paddingIsSmall = (pool: Node): boolean => {
  const kernel = pool.options.kernel as readonly number[];
  const padding = pool.options.padding as readonly number[];
  return padding[0] < kernel[0] && padding[1] < kernel[1];
};
