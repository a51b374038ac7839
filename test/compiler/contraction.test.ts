/** What the scheduler sees as a contraction: which axes become the tile's columns, and which the grid's. */
import { describe, expect, test } from "vitest";
import { compileGraph } from "../../compiler/compileGraph.ts";
import { buildEntries } from "../../compiler/passes/entries.ts";
import { compileEntry } from "../../compiler/pipeline.ts";
import type { ScheduleChoice } from "../../compiler/schedule/index.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { readFile } from "../frontend/read.ts";
import { model } from "../kernel/models.ts";

/** Of each contraction of LeNet's gradients by group name: the extents of its columns. */
function columnsOf(batch: number): Map<string, readonly number[]> {
  const seen = new Map<string, readonly number[]>();
  const choose: ScheduleChoice = (c, standard) => {
    seen.set(
      c.group.name,
      c.columns.map((x) => x.extent),
    );
    return standard;
  };
  const graph = readFile("models/lenet.ts", { batch });
  compileGraph(graph, { target: loadTarget("lavapipe"), choose, algorithm: "direct", entries: ["gradients"] });
  return seen;
}

test("columns run along the output's channels", () => {
  expect(columnsOf(4).get("conv2d_conv2d_2")).toEqual([50]);
});

test("three channels are too few: the input gradient's columns are its pixels", () => {
  expect(columnsOf(4).get("conv2dInputGradient_d_input")).toEqual([4, 32, 32]);
});

describe("the input gradient of a strided convolution", () => {
  interface Layer {
    readonly size: number;
    readonly kernel: number;
    readonly stride: number;
    readonly padding: number;
    /** Of the products over all taps: those whose tap meets an output, where the image's edge is not counted. */
    readonly share: number;
  }
  const layers: Layer[] = [
    { size: 56, kernel: 3, stride: 2, padding: 1, share: 1 / 4 },
    { size: 56, kernel: 1, stride: 2, padding: 0, share: 1 / 4 },
    { size: 56, kernel: 2, stride: 2, padding: 0, share: 1 / 4 },
    { size: 56, kernel: 4, stride: 4, padding: 2, share: 1 / 16 },
    { size: 57, kernel: 5, stride: 3, padding: 2, share: 1 / 9 },
    { size: 56, kernel: 2, stride: 4, padding: 1, share: 1 / 16 },
  ];
  const batch = 32;
  const [inputs, outputs] = [64, 128];

  function inputGradient({ size, ...options }: Layer, target: string) {
    const network = model([batch, inputs, size, size], (call, x) =>
      call("conv2d", x, {
        channels: outputs,
        kernel: options.kernel,
        stride: options.stride,
        padding: options.padding,
      }),
    );
    const { gradientsFromCotangent } = buildEntries(network, { velocity: false });
    const seen = new Map<string, readonly number[]>();
    const choose: ScheduleChoice = (c, standard) => {
      seen.set(
        c.group.name,
        [...c.rows, ...c.columns].map((x) => x.extent).sort((x, y) => x - y),
      );
      return standard;
    };
    const { problem } = compileEntry(gradientsFromCotangent, { target: loadTarget(target), choose, verify: true });
    const kernel = problem.kernels.find((k) => k.ops.includes("conv2dInputGradient"))!;
    return { kernel, tile: seen.get(kernel.name)! };
  }

  describe.each(["portable", "lavapipe", "discrete"])("%s", (target) => {
    test.each(layers)("$kernel x $kernel, stride $stride, padding $padding of $size x $size", (layer) => {
      const { kernel, tile } = inputGradient(layer, target);
      const { size, kernel: k, stride, share } = layer;
      const all = 2 * batch * inputs * outputs * (size * size) * (k * k);
      // Tiles that pass the image's end, and taps of which a tile needs some: a little more than the share.
      expect(kernel.executedOperations! / all).toBeLessThan(1.2 * share);
      expect(kernel.executedOperations! / all).toBeGreaterThan(0.8 * share);
      // Rows and columns of a tile have one phase; but where all phases have the same taps of the same outputs, phases are
      // columns as channels are.
      const phases = k % stride === 0 && layer.padding % stride === 0 ? stride ** 2 : 1;
      const positions = Math.ceil(size / stride) ** 2;
      expect(tile.reduce((x, y) => x * y)).toBe(batch * positions * phases * inputs);
    });
  });
});
