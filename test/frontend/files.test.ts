/** The reference cases and the model zoo: parameters by name and shape, as PyTorch's files have them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Graph } from "../../compiler/ir/graph.ts";
import { elementCount } from "../../compiler/ir/types.ts";
import { outputShape, readFile, root } from "./read.ts";

const reference = `${root}test/reference/`;

interface Case {
  name: string;
  model: string;
  batch: number;
  mode: "train" | "infer";
  inputs: string;
  weights: string | null;
  expect: string;
}
const cases: Case[] = JSON.parse(readFileSync(`${reference}index.json`, "utf8"));

/** Shapes by tensor name, from a safetensors header: u64 length, then JSON. */
const shapes = (file: string): Record<string, number[]> => {
  const bytes = readFileSync(reference + file);
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + Number(bytes.readBigUInt64LE(0))));
  delete header.__metadata__;
  return Object.fromEntries(Object.entries(header).map(([k, v]) => [k, (v as { shape: number[] }).shape]));
};

const stateShapes = (graph: Graph) => Object.fromEntries(graph.states.map((s) => [s.value.name, s.value.type.shape]));
const parameterCount = (graph: Graph) =>
  graph.states.filter((s) => s.role === "parameter").reduce((n, s) => n + elementCount(s.value.type.shape), 0);

describe("test/reference", () => {
  it("has the cases, and every model file is one", () => {
    expect(cases.length).toBe(63);
    const files = readdirSync(reference).filter((f) => f.endsWith(".ts") && f !== "alexnet.ts");
    expect(files.filter((f) => !cases.some((c) => c.model === f))).toEqual([]);
  });

  it.each(cases.map((c) => [c.name, c] as const))("%s", (_, c) => {
    const graph = readFile(`test/reference/${c.model}`, { batch: c.batch, mode: c.mode });
    expect(graph.mode).toBe(c.mode);
    expect(graph.inputs[0].value.type.shape).toEqual(shapes(c.inputs).input);
    expect(stateShapes(graph)).toEqual(c.weights ? shapes(c.weights) : {});
    const { output } = shapes(c.expect);
    if (output) expect(outputShape(graph)).toEqual(output);
  });

  it("alexnet at full size", () => {
    const graph = readFile("test/reference/alexnet.ts", { batch: 8 });
    const { gradients } = JSON.parse(readFileSync(`${reference}alexnet.expect.json`, "utf8"));
    const expected = Object.entries(gradients as Record<string, { shape: number[] }>).map(([k, v]) => [k, v.shape]);
    expect(stateShapes(graph)).toMatchObject(
      Object.fromEntries(expected.filter(([k]) => /^(conv2d|dense)/.test(k as string))),
    );
    expect(graph.states.length).toBe(16);
  });
});

describe("models/", () => {
  it("all are tested here", () => {
    expect(readdirSync(`${root}models`).sort()).toEqual([
      "alexnet.ts",
      "alexnet2012.ts",
      "lenet.ts",
      "resnet18.ts",
      "vgg11.ts",
    ]);
    expect(existsSync(`${root}models/alexnet.ts`)).toBe(true);
  });

  it("alexnet is the tutorial's, layer by layer", () => {
    const graph = readFile("models/alexnet.ts");
    expect([graph.image.channels, graph.image.height, graph.image.width]).toEqual([3, 224, 224]);
    const sizes = graph.nodes
      .filter((n) => !["relu", "flatten"].includes(n.op))
      .map((n) => Object.values(n.outputs)[0].type.shape);
    const [batch, ...rest] = [
      64,
      "96x54x54",
      "96x26x26",
      "192x22x22",
      "192x10x10",
      "384x8x8",
      "384x6x6",
      "256x4x4",
      "256x1x1",
      "4096",
      "4096",
      "10",
    ];
    expect(sizes.map((s) => s.slice(1).join("x"))).toEqual(rest);
    expect(sizes.every(([n]) => n === batch)).toBe(true);
    expect(parameterCount(graph)).toBe(parameterCount(readFile("test/reference/alexnet.ts")));
  });

  it("alexnet has dropout where it is asked for", () => {
    const dropouts = (dropout?: string) =>
      readFile("models/alexnet.ts", { settings: dropout === undefined ? {} : { dropout } }).nodes.filter(
        (n) => n.op === "dropout",
      );
    expect(dropouts()).toEqual([]);
    expect(dropouts("0.5").map((n) => n.options.rate)).toEqual([0.5, 0.5]);
  });

  it("lenet", () => {
    const graph = readFile("models/lenet.ts");
    expect(graph.image).toEqual({
      channels: 3,
      height: 32,
      width: 32,
      mean: [127.5, 127.5, 127.5],
      std: [64, 64, 64],
    });
    expect(stateShapes(graph)["dense_1.weight"]).toEqual([500, 1250]);
    expect([graph.classes, outputShape(graph)]).toEqual([10, [64, 10]]);
  });

  it("alexnet2012 has the paper's parameters", () => {
    const graph = readFile("models/alexnet2012.ts", { batch: 2 });
    expect(parameterCount(graph)).toBe(60_965_224);
    expect(outputShape(graph)).toEqual([2, 1000]);
    expect(graph.nodes.filter((n) => n.op === "localResponseNorm").length).toBe(2);
  });

  it("vgg11 has eight convolutions and three dense layers", () => {
    const graph = readFile("models/vgg11.ts");
    const count = (op: string) => graph.nodes.filter((n) => n.op === op).length;
    expect([count("conv2d"), count("maxPool2d"), count("dense"), count("dropout")]).toEqual([8, 5, 3, 2]);
  });

  it("resnet18 has the parameters of torchvision's with ten classes", () => {
    const graph = readFile("models/resnet18.ts");
    expect(parameterCount(graph)).toBe(11_181_642);
    expect(graph.states.filter((s) => s.role === "statistic").length).toBe(40);
  });
});
