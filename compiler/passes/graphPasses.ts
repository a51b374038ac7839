/** The passes over graphs in order: from the model as written to the graph of an entry point. */
import type { Graph } from "../ir/graph.ts";
import type { Stage } from "../ir/stage.ts";
import { graphProblems } from "../ir/verifyGraph.ts";
import { type DifferentiateOptions, differentiate } from "./autodiff.ts";
import { mergeCommonSubexpressions } from "./commonSubexpressions.ts";
import { removeDeadValues } from "./deadValues.ts";
import { removeIdentities } from "./identities.ts";
import { numberStreams } from "./numberStreams.ts";
import { optimize } from "./optimizer.ts";
import { type Pass, pipeline } from "./pass.ts";
import { moveReluBehindPool } from "./reluBehindPool.ts";

/** What passes over graphs know beside the graph. */
export interface GraphContext {
  /** Keep a velocity a parameter, so that a run may have momentum. */
  readonly velocity?: boolean;
  /** What is differentiated by what; where not said, for training: the loss by the parameters in a model with classes,
   * the output under a given cotangent by everything in one without. */
  readonly differentiate?: DifferentiateOptions;
}

const graphPass = (
  name: string,
  takes: readonly Stage[],
  summary: string,
  run: (graph: Graph, context: GraphContext) => Graph,
): Pass<Graph, Graph, GraphContext> => ({ name, takes, summary, run, problems: graphProblems });

const common = graphPass(
  "common-subexpressions",
  ["graph", "joint"],
  "Ops that compute the same are merged.",
  mergeCommonSubexpressions,
);
const dead = graphPass("dead-values", ["graph", "joint"], "Ops that nothing needs are removed.", removeDeadValues);

/** On the model as written. */
export const prepare = pipeline<Graph, GraphContext>()
  .add(graphPass("number-streams", ["graph"], "Each random op gets a stream of its own.", numberStreams))
  .add(graphPass("remove-identities", ["graph"], "Ops that hand on their input are removed.", removeIdentities))
  .add(common)
  .add(graphPass("relu-behind-pool", ["graph"], "A relu before a max pooling moves behind it.", moveReluBehindPool))
  .add(dead);

/** On a graph with all that an entry point needs. */
export const simplify = pipeline<Graph, GraphContext>().add(common).add(dead);

export const autodiff = pipeline<Graph, GraphContext>().add(
  graphPass("autodiff", ["graph"], "Loss and gradients are added: the joint graph.", (graph, context) =>
    differentiate(graph, context.differentiate ?? usualGradients(graph)),
  ),
);

const usualGradients = ({ classes }: Graph): DifferentiateOptions =>
  classes === undefined ? { target: "cotangent", gradients: "all" } : { target: "labels", gradients: "parameters" };

export const optimizer = pipeline<Graph, GraphContext>().add(
  graphPass("optimizer", ["joint"], "Parameters are replaced by SGD.", (graph, { velocity = false }) =>
    optimize(graph, { velocity }),
  ),
);

/** Of inference. */
export const toForward = prepare.then(simplify);
/** Of gradients that go out. */
export const toGradients = prepare.then(autodiff).then(simplify);
/** Of a training step. */
export const toStep = prepare.then(autodiff).then(optimizer).then(simplify);
