/** What program.json says of the compiler and of kernels. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compileGraph } from "../../compiler/compileGraph.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { printKernels } from "../../compiler/text/printKernel.ts";
import { readFile, root } from "../frontend/read.ts";

const { model, artifact } = compileGraph(readFile("models/lenet.ts", { batch: 64 }), {
  target: loadTarget("portable"),
  entries: ["step"],
});
const algorithmOf = new Map(artifact.program.kernels.map((k) => [k.name, k.algorithm]));

test("the compiler is the package, in its version", () => {
  const { name, version } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  expect(artifact.program.compiler).toBe(`${name} ${version}`);
});

test("both kernels of a split reduction say so, all others are direct", () => {
  expect(algorithmOf.get("conv2dWeightGradient_d_conv2d_2_weight_partial")).toBe("split");
  expect(algorithmOf.get("conv2dWeightGradient_conv2d_2_weight_next")).toBe("split");
  expect(algorithmOf.get("dense_relu_3")).toBe("direct");
  expect(new Set(algorithmOf.values())).toEqual(new Set(["direct", "split"]));
});

test("so does their text", () => {
  const texts = printKernels(model.entries.step!.kernels).split(/^(?=kernel )/m);
  const says = texts.filter((t) => t.includes("\n  algorithm split\n")).map((t) => t.split(" ")[1]);
  const split = [...algorithmOf].filter(([, algorithm]) => algorithm === "split").map(([name]) => name);
  expect(says.sort()).toEqual(split.sort());
});
