/** The network that all peers build: a model's graph as a list of layers that every library has. */
import type { Graph, Node } from "../../../compiler/ir/graph.ts";
import type { Layer } from "../../peers/protocol.ts";

type Pair = readonly [number, number];

/** Throws an Error that names the op where the model is not a chain of plain layers. */
export function layersOf(graph: Graph): Layer[] {
  let last = graph.inputs.find((input) => input.kind === "input")!.value;
  return graph.nodes.map((node) => {
    const refuse = (why: string): never => {
      throw new Error(`${graph.name}: the peers cannot run ${node.op} of line ${node.location?.line}: ${why}`);
    };
    if (node.inputs.x !== last) refuse("the network must be a chain, each layer reading the one before");
    last = node.outputs.y ?? Object.values(node.outputs)[0];
    return layerOf(node, refuse);
  });
}

function layerOf(node: Node, refuse: (why: string) => never): Layer {
  const pair = (name: string) => node.options[name] as unknown as Pair;
  const nameOf = (input: "weight" | "bias") => (node.inputs[input] as { name: string } | undefined)?.name ?? null;
  switch (node.op) {
    case "conv2d":
      if (node.options.groups !== 1 || pair("dilation").some((d) => d !== 1)) refuse("it has groups or dilation");
      return {
        kind: "conv2d",
        weight: nameOf("weight")!,
        bias: nameOf("bias"),
        stride: pair("stride"),
        padding: pair("padding"),
      };
    case "maxPool2d":
      if (pair("padding").some((p) => p !== 0)) refuse("it has padding");
      return { kind: "maxPool2d", kernel: pair("kernel"), stride: pair("stride") };
    case "flatten": {
      const [, channels, height, width] = (node.inputs.x as { type: { shape: readonly number[] } }).type.shape;
      return { kind: "flatten", shape: [channels, height, width] };
    }
    case "dense":
      return { kind: "dense", weight: nameOf("weight")!, bias: nameOf("bias") };
    case "relu":
      return { kind: "relu" };
    default:
      return refuse("only conv2d, maxPool2d, relu, flatten and dense are compared");
  }
}
