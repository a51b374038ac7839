/** The passes that make graphs smaller, in the order in which they run. */

import type { ExprProgram } from "../ir/expr.ts";
import type { Graph } from "../ir/graph.ts";
import { mergeCommonDefinitions } from "./commonDefinitions.ts";
import { mergeCommonSubexpressions } from "./commonSubexpressions.ts";
import { removeDeadDefinitions } from "./deadDefinitions.ts";
import { removeDeadValues } from "./deadValues.ts";
import { foldConstants } from "./foldConstants.ts";
import { removeIdentities } from "./identities.ts";
import { numberStreams } from "./numberStreams.ts";
import { moveReluBehindPool } from "./reluBehindPool.ts";

export interface Simplification<T> {
  readonly name: string;
  /** A sentence. */
  readonly summary: string;
  readonly run: (program: T) => T;
}

/** On the model as written, before autodiff. */
export const forwardPasses: readonly Simplification<Graph>[] = [
  { name: "streams", summary: "Each random op gets a stream of its own.", run: numberStreams },
  { name: "identities", summary: "Ops that hand on their input are removed.", run: removeIdentities },
  { name: "common", summary: "Ops that compute the same are merged.", run: mergeCommonSubexpressions },
  { name: "relu-behind-pool", summary: "A relu before a max pooling moves behind it.", run: moveReluBehindPool },
  { name: "dead", summary: "Ops that nothing needs are removed.", run: removeDeadValues },
];

/** On a graph of an entry point. */
export const jointPasses: readonly Simplification<Graph>[] = [
  { name: "common", summary: "Ops that compute the same are merged.", run: mergeCommonSubexpressions },
  { name: "dead", summary: "Ops that nothing needs are removed.", run: removeDeadValues },
];

/** On index expressions, after lowering. */
export const exprPasses: readonly Simplification<ExprProgram>[] = [
  { name: "fold", summary: "What is constant is computed.", run: foldConstants },
  { name: "common-definitions", summary: "Definitions that are the same are merged.", run: mergeCommonDefinitions },
  { name: "dead-definitions", summary: "Definitions that nothing needs are removed.", run: removeDeadDefinitions },
];

const runAll = <T>(program: T, passes: readonly Simplification<T>[]): T =>
  passes.reduce((p, pass) => pass.run(p), program);

export const prepareForward = (graph: Graph): Graph => runAll(graph, forwardPasses);
export const simplifyGraph = (graph: Graph): Graph => runAll(graph, jointPasses);
export const simplifyExpr = (program: ExprProgram): ExprProgram => runAll(program, exprPasses);
