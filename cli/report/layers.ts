/** Which call of the model file an op of the joint graph comes from, and whether it is forward, backward or update. */
import { type Graph, inputValues, type Node, outputValues } from "../../compiler/ir/graph.ts";
import type { Value } from "../../compiler/ir/types.ts";
import { formatLocation } from "../../compiler/text/names.ts";
import type { Phase, ReportLayer } from "./data.ts";

export interface Layers {
  readonly layers: readonly ReportLayer[];
  /** By node, in the graph's order. */
  readonly layerOf: readonly number[];
  readonly phaseOf: readonly Phase[];
}

export function layersOf(graph: Graph): Layers {
  const phaseOf = phasesOf(graph);
  const layers: ReportLayer[] = [];
  const layerOf: number[] = [];
  const opsOf: Set<string>[] = [];
  const latest = new Map<string, number>();
  const writer = new Map<Value, number>();
  // A call with an activation is two nodes at one place; a loop's calls are at one place too, and begin anew. An activation
  // that simplification put behind a pool goes with the pool.
  graph.nodes.forEach((node, n) => {
    if (phaseOf[n] !== "forward") return;
    const place = formatLocation(node.location);
    let layer = latest.get(place);
    const sources = inputValues(node).flatMap((value) => writer.get(value) ?? []);
    const isMoved = layer !== undefined && !opsOf[layer].has(node.op) && sources.length === 1 && sources[0] !== layer;
    if (isMoved) [layer] = sources;
    else if (layer === undefined || opsOf[layer].has(node.op) || !node.location) {
      layer = layers.push({ name: nameOf(node, layers), op: node.op, place: node.location ?? null }) - 1;
      opsOf.push(new Set());
      latest.set(place, layer);
    }
    opsOf[layer!].add(node.op);
    layerOf[n] = layer!;
    for (const value of outputValues(node)) writer.set(value, layer!);
  });
  assignBackward(graph, phaseOf, layerOf);
  assignUpdates(graph, phaseOf, layerOf);
  return { layers, layerOf, phaseOf };
}

/** The call's name. A relu that simplification put behind a pool bears the pool's: it goes by its op and line instead. */
function nameOf(node: Node, layers: readonly ReportLayer[]): string {
  const name = callName(node);
  return layers.some((layer) => layer.name === name) ? `${node.op} (line ${node.location?.line})` : name;
}

/** `maxPool2d_1` of an output `maxPool2d_1.y.largest` that the op calls y. */
function callName(node: Node): string {
  const [[output, { name }]] = Object.entries(node.outputs);
  const at = name.indexOf(`.${output}`);
  return at > 0 ? name.slice(0, at) : name;
}

/** What depends on the gradient that goes in (of the loss, or the cotangent) is backward; of it, the optimizer's ops are update. */
function phasesOf({ nodes, inputs, updates }: Graph): Phase[] {
  const seeded = new Set<Value>(inputs.filter(({ kind }) => kind === "cotangent").map(({ value }) => value));
  const next = new Set(updates.map((update) => update.next));
  return nodes.map((node) => {
    const isSeed = node.op === "constant" && outputValues(node).some(({ name }) => name.startsWith("d."));
    if (!isSeed && !inputValues(node).some((value) => seeded.has(value))) return "forward";
    for (const value of outputValues(node)) seeded.add(value);
    return outputValues(node).some((value) => next.has(value)) ? "update" : "backward";
  });
}

/**
 * Differentiation goes over the forward nodes from the last to the first, and what it appends for one has its place in
 * the file. So both lists are walked together: an op is of the node at hand, or of the next that it can be of.
 */
function assignBackward({ nodes, states }: Graph, phaseOf: readonly Phase[], layerOf: number[]): void {
  const forward = nodes.flatMap((_, n) => (phaseOf[n] === "forward" ? [n] : [])).reverse();
  const known = new Set([...states.map(({ value }) => value), ...forward.flatMap((n) => outputValues(nodes[n]))]);
  const canBeOf = (node: Node, of: Node): boolean => {
    if (!node.location) return true; // the sum of two gradients, or the loss: of the node at hand
    if (formatLocation(node.location) !== formatLocation(of.location)) return false;
    if (node.op.endsWith("Gradient") && !node.op.startsWith(of.op)) return false;
    const ofNode = new Set([...inputValues(of), ...outputValues(of)]);
    const seen = inputValues(node).filter((value) => known.has(value));
    return seen.length === 0 || seen.some((value) => ofNode.has(value));
  };
  let at = 0;
  nodes.forEach((node, n) => {
    if (phaseOf[n] !== "backward") return;
    const found = forward.findIndex((f, i) => i >= at && canBeOf(node, nodes[f]));
    if (found >= 0) at = found;
    layerOf[n] = layerOf[forward[at]];
  });
}

/** An update is of the layer that reads its parameter. */
function assignUpdates({ nodes }: Graph, phaseOf: readonly Phase[], layerOf: number[]): void {
  nodes.forEach((node, n) => {
    if (phaseOf[n] !== "update") return;
    const own = new Set(inputValues(node));
    const reader = nodes.findIndex(
      (other, f) => phaseOf[f] === "forward" && inputValues(other).some((v) => own.has(v)),
    );
    layerOf[n] = layerOf[reader];
  });
}
