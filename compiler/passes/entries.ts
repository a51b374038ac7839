/** From a model's graph to the graph of every entry point of its artifact. */

import type { Graph, Input } from "../ir/graph.ts";
import { elementCount, tensorType } from "../ir/types.ts";
import type { DifferentiateOptions as GradientOptions } from "./autodiff.ts";
import { GraphBuilder } from "./graphBuilder.ts";
import { type GraphContext, toForward, toGradients, toStep } from "./graphPasses.ts";
import { updateGraph } from "./optimizer.ts";
import { type Pipeline, runPipeline } from "./pass.ts";

export interface TrainOptions {
  /** Keep velocities, so that a run may have momentum. */
  readonly velocity: boolean;
  /** Greatest number of bytes that a batch of pictures may have; 128 MiB, a binding's default limit, where not said. */
  readonly pictureBytes?: number;
}

export interface Entries {
  /** Inference. */
  readonly forward: Graph;
  /** Gradients of sum(output * cotangent), and statistics. Outputs `output`, `grad.input`, `grad.<parameter>`. */
  readonly gradientsFromCotangent: Graph;
  /** The same of the loss, from labels, with output `loss`. Only where the model has classes. */
  readonly gradients?: Graph;
  /** Loss, gradients and update. Outputs `output` and `loss`. Only where the model has classes. */
  readonly step?: Graph;
  /** SGD from given gradients. Only where the model has classes. */
  readonly update?: Graph;
  /** Fills the value of input `input` from pictures. */
  readonly pictures: Graph;
}

/** Which entry points' graphs passes make; those of `update` and `pictures` are written down as they are. */
type Differentiated = "gradientsFromCotangent" | "gradients" | "step";

export interface EntriesListener {
  /** Sees what each pass has made of the graph of each entry point. */
  readonly onPass?: (entry: "forward" | Differentiated, pass: string, graph: Graph) => void;
  /** Check what each pass has made; throws InvalidStage. */
  readonly verify?: boolean;
}

/** `graph` is the model as the front end read it; what trains does so in train mode, whatever the graph's. */
export function buildEntries(graph: Graph, options: TrainOptions, { onPass, verify }: EntriesListener = {}): Entries {
  const { velocity } = options;
  const training: Graph = { ...graph, mode: "train" };
  const listener = (entry: "forward" | Differentiated) => ({
    verify,
    onPass: onPass && ((pass: string, result: unknown) => onPass(entry, pass, result as Graph)),
  });
  const run = (entry: Differentiated, passes: Pipeline<Graph, Graph, GraphContext>, differentiate: GradientOptions) =>
    runPipeline(passes, training, { velocity, differentiate }, listener(entry));
  const common = {
    forward: runPipeline(toForward, { ...graph, mode: "infer" }, { velocity }, listener("forward")),
    gradientsFromCotangent: run("gradientsFromCotangent", toGradients, { target: "cotangent", gradients: "all" }),
    pictures: picturesGraph(graph, options.pictureBytes ?? 2 ** 27),
  };
  if (graph.classes === undefined) return common;
  return {
    ...common,
    gradients: run("gradients", toGradients, { target: "labels", gradients: "all" }),
    step: run("step", toStep, { target: "labels", gradients: "parameters" }),
    update: updateGraph(training, options),
  };
}

/** Resizes, shifts and scales a batch of pictures into the model's input. */
export function picturesGraph(graph: Omit<Graph, "stage" | "nodes">, bytes: number): Graph {
  const image = graph.inputs.find((i) => i.kind === "input")?.value;
  if (!image) throw new Error(`${graph.name}: no image comes in`);
  const [n, channels, height, width] = image.type.shape;
  const words = Math.ceil(Math.max(bytes, elementCount(image.type.shape)) / 4);
  const pictures: Input = {
    value: { name: "pictures", type: tensorType("u32", [words]) },
    kind: "pictures",
  };
  const empty: Graph = {
    ...graph,
    stage: "graph",
    mode: "infer",
    inputs: [pictures],
    states: [],
    nodes: [],
    outputs: [],
    updates: [],
  };
  const { mean, std } = graph.image;
  const options = { batch: n, channels, height, width, mean, std };
  const builder = new GraphBuilder(empty);
  builder.emit("pictures", { pictures: pictures.value }, options, image.name);
  const [node] = builder.nodes;
  return { ...empty, nodes: [{ ...node, outputs: { x: image } }], outputs: [{ name: "input", value: image }] };
}
