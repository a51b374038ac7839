/** The report behind the page: every text in it is the compiler's, and every kernel is where it belongs. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DumpIr } from "../../cli/dumpIr.ts";
import type { Report } from "../../cli/report/data.ts";
import { programReport } from "../../cli/report/program.ts";
import { compileGraph } from "../../compiler/compileGraph.ts";
import { readModel } from "../../compiler/frontend/index.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { liveBytes } from "../../pages/program/liveBytes.ts";
import { View } from "../../pages/program/view.ts";

interface Options {
  readonly target?: string;
  readonly mode?: "train" | "infer";
  readonly velocity?: boolean;
}

function reportOf(path: string, text: string, { target = "portable", mode = "train", velocity = false }: Options = {}) {
  const { graph, diagnostics, files } = readModel(
    { path, read: (p) => (p === path ? text : undefined) },
    { batch: 8, mode },
  );
  if (!graph) throw new Error(diagnostics[0].message);
  const dump = new DumpIr();
  const entries =
    mode === "infer" ? (["forward"] as const) : ([graph.classes ? "step" : "gradientsFromCotangent"] as const);
  const { model, artifact } = compileGraph(graph, {
    target: loadTarget(target),
    entries,
    velocity,
    onPass: dump.onPass,
  });
  return { report: programReport({ artifact, model, dump, files }), dump: dump.passes(model), artifact };
}

const zoo = (name: string, options?: Options) => {
  const path = `models/${name}.ts`;
  return reportOf(path, readFileSync(path, "utf8"), options);
};

const layerOf = (report: Report, kernel: RegExp): string[] => [
  ...new Set(report.steps.filter(({ name }) => kernel.test(name)).map(({ layer }) => report.layers[layer].name)),
];

describe.each([
  ["lenet", {}],
  ["alexnet", { target: "lavapipe", velocity: true }],
  ["resnet18", { target: "wasm" }],
  ["vgg11", { mode: "infer" }],
] as const)("%s %j", (name, options) => {
  const { report, dump, artifact } = zoo(name, options);
  const view = new View(report);

  test("texts are those of --dump-ir and of the artifact", () => {
    expect(report.passes.map((pass) => view.lines(pass.text).join("\n"))).toEqual(
      dump.map(({ text }) => text.replace(/\n$/, "")),
    );
    for (const { file, text } of report.codes)
      expect(view.lines(text).join("\n")).toBe(artifact.kernels[file].replace(/\n$/, ""));
  });

  test("every kernel has its definitions, its group, its loop nest and its text", () => {
    for (const step of report.steps.filter(({ copy }) => !copy)) {
      const [group] = view.part("groups", step.group!).split("\n");
      expect(group).toMatch(`group ${step.name} over`);
      expect(view.part("kernels", step.kernel!)).toMatch(new RegExp(`^kernel ${step.name} [^]*\n}`));
      const definitions = step.definitions.map((range) => view.part("definitions", range)).join("\n");
      for (const value of step.writes) expect(definitions).toContain(`%${view.value(value).name}[`);
      expect(report.codes[step.code!].text.length).toBeGreaterThan(0);
      expect(step.nodes.length).toBeGreaterThan(0);
    }
  });

  test("a parameter's gradient and update are of the layer that reads the parameter", () => {
    for (const { name, parameter } of report.steps.flatMap(({ name }) => {
      const match = /_((?:conv2d|dense|batchNorm)_\d+)_(?:weight|bias)_next$/.exec(name);
      return match ? [{ name, parameter: match[1] }] : [];
    }))
      expect(layerOf(report, new RegExp(`^${name}$`))).toEqual([parameter]);
  });

  test("most bytes alive at once are the plan's lower bound", () => {
    expect(Math.max(...liveBytes(report))).toBe(report.plan.lowerBoundBytes);
  });
});

test("a loop's calls at one place are layers of their own, an activation is its call's", () => {
  const { report } = reportOf(
    "loop.ts",
    `import { dense, flatten, image, model } from "kiln";
export default model({ input: image(1, 4, 4), classes: 3 }, (x) => {
  x = flatten(x);
  for (let i = 0; i < 2; i++) x = dense(x, { units: 5 });
  for (let i = 0; i < 2; i++) x = dense(x, { units: 7, activation: "relu" });
  return dense(x, { units: 3 });
});
`,
  );
  const dense = report.layers.filter(({ op }) => op === "dense");
  expect(dense.map(({ name, place }) => `${name}:${place!.line}`)).toEqual([
    "dense_1:4",
    "dense_2:4",
    "dense_3:5",
    "dense_4:5",
    "dense_5:6",
  ]);
  const opsOf = (name: string) => {
    const layer = report.layers.findIndex((l) => l.name === name);
    return report.nodes.filter((node) => node.layer === layer).map(({ op }) => op);
  };
  const backward = ["denseInputGradient", "denseWeightGradient", "channelSum"];
  expect(opsOf("dense_2").sort()).toEqual(["dense", ...backward, "sgd", "sgd"].sort());
  expect(opsOf("dense_4").sort()).toEqual(["dense", "relu", "reluGradient", ...backward, "sgd", "sgd"].sort());
});

test("a model without classes has forward and backward ops", () => {
  const { report } = reportOf(
    "plain.ts",
    `import { conv2d, image, model } from "kiln";
export default model({ input: image(3, 8, 8) }, (x) => conv2d(x, { channels: 4, kernel: 3 }));
`,
  );
  expect(report.model.entry).toBe("gradientsFromCotangent");
  expect(new Set(report.nodes.map(({ phase }) => phase))).toEqual(new Set(["forward", "backward"]));
});
