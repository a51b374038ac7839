/** Appends the optimizer's update to a joint graph: gradients are used up, parameters and velocities replaced. */

import type { Graph, Input, State, Update } from "../ir/graph.ts";
import type { Value } from "../ir/types.ts";
import { GraphBuilder, updatesOf } from "./graphBuilder.ts";

export interface OptimizerOptions {
  /** Keep a velocity a parameter, so that a run may have momentum. */
  readonly velocity: boolean;
}

const parametersOf = (graph: Graph): Value[] => graph.states.filter((s) => s.role === "parameter").map((s) => s.value);

const appendUpdates = (
  graph: Graph,
  gradientOf: (parameter: Value) => Value,
  { velocity }: OptimizerOptions,
): Pick<Graph, "nodes" | "states" | "updates"> => {
  const builder = new GraphBuilder(graph);
  const velocities: State[] = [];
  const updates: Update[] = [];
  for (const parameter of parametersOf(graph)) {
    const inputs = { parameter, gradient: gradientOf(parameter), velocity: undefined as Value | undefined };
    if (velocity) {
      inputs.velocity = builder.value(`${parameter.name}.velocity`, parameter.type);
      velocities.push({
        value: inputs.velocity,
        role: "velocity",
        initializer: { kind: "constant", value: 0 },
      });
    }
    builder.emit("sgd", inputs, {}, velocity ? parameter.name : `${parameter.name}.next`);
    updates.push(...updatesOf(builder.nodes[builder.nodes.length - 1]));
  }
  return {
    nodes: builder.nodes,
    states: [...graph.states, ...velocities],
    updates: [...graph.updates, ...updates],
  };
};

/** A joint graph with one SGD step for every parameter. Gradients are outputs no longer: nothing asks to store them. */
export function optimize(joint: Graph, options: OptimizerOptions): Graph {
  const gradientOf = (parameter: Value): Value => {
    const found = joint.outputs.find((o) => o.name === `grad.${parameter.name}`);
    if (!found) throw new Error(`no gradient of %${parameter.name}`);
    return found.value;
  };
  return {
    ...joint,
    ...appendUpdates(joint, gradientOf, options),
    outputs: joint.outputs.filter((o) => !o.name.startsWith("grad.")),
  };
}

/** The update alone, from gradients that come in as inputs `grad.<parameter>`. */
export function updateGraph(graph: Graph, options: OptimizerOptions): Graph {
  const gradients = new Map<Value, Input>(
    parametersOf(graph).map((p) => [p, { value: { name: `grad.${p.name}`, type: p.type }, kind: "gradient" }]),
  );
  const empty: Graph = {
    ...graph,
    stage: "joint",
    inputs: [...gradients.values()],
    nodes: [],
    outputs: [],
    updates: [],
  };
  return { ...empty, ...appendUpdates(empty, (p) => gradients.get(p)!.value, options) };
}
