/** The passes that make graphs smaller, in the order in which they run. */

import type { Graph } from "../ir/graph.ts";
import { mergeCommonSubexpressions } from "./commonSubexpressions.ts";
import { removeDeadValues } from "./deadValues.ts";
import { removeIdentities } from "./identities.ts";
import { numberStreams } from "./numberStreams.ts";
import { moveReluBehindPool } from "./reluBehindPool.ts";

export interface GraphPass {
  readonly name: string;
  /** A sentence. */
  readonly summary: string;
  readonly run: (graph: Graph) => Graph;
}

/** On the model as written, before autodiff. */
export const forwardPasses: readonly GraphPass[] = [
  { name: "streams", summary: "Each random op gets a stream of its own.", run: numberStreams },
  { name: "identities", summary: "Ops that hand on their input are removed.", run: removeIdentities },
  { name: "common", summary: "Ops that compute the same are merged.", run: mergeCommonSubexpressions },
  { name: "relu-behind-pool", summary: "A relu before a max pooling moves behind it.", run: moveReluBehindPool },
  { name: "dead", summary: "Ops that nothing needs are removed.", run: removeDeadValues },
];

/** On a graph of an entry point. */
export const jointPasses: readonly GraphPass[] = [
  { name: "common", summary: "Ops that compute the same are merged.", run: mergeCommonSubexpressions },
  { name: "dead", summary: "Ops that nothing needs are removed.", run: removeDeadValues },
];

const runAll = (graph: Graph, passes: readonly GraphPass[]): Graph => passes.reduce((g, pass) => pass.run(g), graph);

export const prepareForward = (graph: Graph): Graph => runAll(graph, forwardPasses);
export const simplifyGraph = (graph: Graph): Graph => runAll(graph, jointPasses);
