/** What the scheduler sees as a contraction: which axes become the tile's columns. */
import { expect, test } from "vitest";
import { compileGraph } from "../../compiler/compileGraph.ts";
import type { ScheduleChoice } from "../../compiler/schedule/index.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { readFile } from "../frontend/read.ts";

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
