/** Reads model files for tests: from strings, or from the repository. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ReadOptions, type ReadResult, readModel } from "../../compiler/frontend/index.ts";
import type { Graph } from "../../compiler/ir/graph.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** Reads a file of the repository; throws what is wrong with it. */
export function readFile(path: string, options?: ReadOptions): Graph {
  const read = (p: string) => (existsSync(root + p) ? readFileSync(root + p, "utf8") : undefined);
  return graphOf(readModel({ path, read }, options));
}

/** Reads `model.ts` and the files beside it, given as text. */
export const readText = (text: string, options?: ReadOptions, files: Record<string, string> = {}): ReadResult =>
  readModel({ path: "model.ts", read: (path) => ({ "model.ts": text, ...files })[path] }, options);

export function graphOf({ graph, diagnostics }: ReadResult): Graph {
  if (!graph) throw new Error(diagnostics.map((d) => `${d.place?.line}: ${d.code} ${d.message}`).join("\n"));
  return graph;
}

/** A model on image(4, 8, 8) with this function body; `x` is the picture. */
export const body = (statements: string, before = ""): string =>
  `import { add, batchNorm, concat, conv2d, dense, flatten, image, maxPool2d, model, relu, split, type Tensor } from "kiln";
${before}
export default model({ input: image(4, 8, 8) }, (x) => {
${statements}
});`;

/** Shape of the output. */
export const outputShape = (graph: Graph): readonly number[] => graph.outputs[0].value.type.shape;

/** Channels of every convolution, in order: what most tests of the language look at. */
export const channels = (graph: Graph): unknown[] =>
  graph.nodes.filter((n) => n.op === "conv2d").map((n) => n.options.channels);
