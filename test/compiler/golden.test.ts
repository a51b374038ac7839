/**
 * Golden files: what the compiler makes of AlexNet and LeNet for described targets, the same on every machine.
 * `npm run golden:update` rewrites them, and nothing else does; read the diff before it is committed.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { type Compilation, compileGraph } from "../../compiler/compileGraph.ts";
import { planToJson } from "../../compiler/plan/json.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { print } from "../../compiler/text/print.ts";
import type { EntryName } from "../../runtime/program/schema.ts";
import { readFile, root } from "../frontend/read.ts";
import { shapeText } from "./shape.ts";

const folder = `${root}test/golden/`;
const update = process.env.KILN_UPDATE_GOLDEN === "1";
const targets = ["portable", "lavapipe", "wasm"] as const;
type TargetName = (typeof targets)[number];

/** Each compilation once, when the first file that shows it is looked at. */
const compilations = new Map<string, Compilation>();
function compiled(model: string, target: TargetName, batch = 64): Compilation {
  const key = `${model} ${target} ${batch}`;
  const known = compilations.get(key);
  if (known) return known;
  const graph = readFile(`models/${model}.ts`, { batch });
  // A small batch shows all that a program can hold, the usual one the step that is measured.
  const entries: readonly EntryName[] | undefined = batch === 64 ? ["step"] : undefined;
  const made = compileGraph(graph, { target: loadTarget(target), velocity: batch !== 64, entries });
  compilations.set(key, made);
  return made;
}

const step = (model: string, target: TargetName) => compiled(model, target).model.entries.step!;

/**
 * Kernels of LeNet at batch 4 that are shown whole: the pictures' resize; a pool; a convolution through workgroup memory;
 * the rows of softmax cross-entropy with its gradient; a weight's gradient with its update, with momentum; a dense layer
 * with bias and relu by broadcast. For WebAssembly, the same six.
 */
const shown: Readonly<Record<TargetName, readonly string[]>> = {
  portable: [
    "kernels/pictures_input.wgsl",
    "kernels/maxPool2d_maxPool2d_1_y.wgsl",
    "kernels/conv2d_conv2d_2.wgsl",
    "kernels/softmaxCrossEntropy_d_dense_2.wgsl",
    "kernels/denseWeightGradient_dense_2_weight_next.wgsl",
  ],
  lavapipe: ["kernels/dense_relu_3.wgsl"],
  wasm: [
    "kernels/pictures_input.wat",
    "kernels/maxPool2d_maxPool2d_1_y.wat",
    "kernels/conv2d_conv2d_2.wat",
    "kernels/softmaxCrossEntropy_d_dense_2.wat",
    "kernels/denseWeightGradient_dense_2_weight_next.wat",
    "kernels/dense_relu_3.wat",
  ],
};

/** A line a kernel: the hash of its text, and its file in the artifact. */
const hashes = ({ artifact }: Compilation, without: readonly string[] = []): string =>
  Object.entries(artifact.kernels)
    .filter(([file]) => !without.includes(file))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, text]) => `${createHash("sha256").update(text).digest("hex")}  ${file}\n`)
    .join("");

/** One buffer or dispatch a line. */
function planText(model: string, target: TargetName): string {
  const { plan, problem } = step(model, target);
  const { buffers, dispatches, ...rest } = planToJson(plan, problem);
  const list = (items: readonly object[]) => `[\n${items.map((i) => `    ${JSON.stringify(i)}`).join(",\n")}\n  ]`;
  const fields = Object.entries(rest).map(([name, value]) => `  "${name}": ${JSON.stringify(value)}`);
  return `{\n${[...fields, `  "buffers": ${list(buffers)}`, `  "dispatches": ${list(dispatches)}`].join(",\n")}\n}\n`;
}

/** Every golden file and what the compiler says now that it holds. */
const golden = new Map<string, () => string>();
for (const model of ["lenet", "alexnet"]) {
  golden.set(`${model}/graph.kir`, () => print(compiled(model, "portable").model.graph));
  golden.set(`${model}/joint.kir`, () => print(step(model, "portable").graph));
  golden.set(`${model}/expr.kir`, () => print(step(model, "portable").expr));
  for (const target of targets) {
    golden.set(`${model}/${target}/fused.kir`, () => print(step(model, target).fused));
    golden.set(`${model}/${target}/plan.json`, () => planText(model, target));
    golden.set(`${model}/${target}/shape.json`, () => shapeText(step(model, target)));
    golden.set(`${model}/${target}/kernels.sha256`, () => hashes(compiled(model, target)));
  }
}
for (const target of targets) {
  const small = () => compiled("lenet", target, 4);
  for (const file of shown[target])
    golden.set(`lenet-batch-4/${target}/${file}`, () => {
      const { kernels } = small().artifact;
      if (!kernels[file]) throw new Error(`no kernel is called ${file}; there are ${Object.keys(kernels).join(", ")}`);
      return kernels[file];
    });
  golden.set(`lenet-batch-4/${target}/kernels.sha256`, () => hashes(small(), shown[target]));
}

/** Where two texts differ, with the lines around it. */
function changedPart(before: string, after: string): { line: number; before: string; after: string } {
  const [a, b] = [before.split("\n"), after.split("\n")];
  const around = 3;
  const shorter = Math.min(a.length, b.length);
  let same = 0;
  while (same < shorter && a[same] === b[same]) same++;
  let end = 0;
  while (end < shorter - same && a.at(-1 - end) === b.at(-1 - end)) end++;
  const part = (lines: string[]) =>
    lines.slice(Math.max(0, same - around), lines.length - Math.max(0, end - around)).join("\n");
  return { line: same + 1, before: part(a), after: part(b) };
}

const remedy = "If that is meant, run `npm run golden:update` and read the diff.";

function expectGolden(file: string, text: string): void {
  const path = folder + file;
  if (update) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return;
  }
  expect(existsSync(path), `test/golden/${file} is missing. ${remedy}`).toBe(true);
  const before = readFileSync(path, "utf8");
  if (before === text) return;
  const part = changedPart(before, text);
  expect(part.after, `test/golden/${file} differs from line ${part.line} on. ${remedy}`).toBe(part.before);
}

describe("golden files", () => {
  test.each([...golden.keys()])("%s", (file) => expectGolden(file, golden.get(file)!()));

  test("there are no others", () => {
    const files = readdirSync(folder, { recursive: true }).map(String);
    const others = files.filter((f) => !golden.has(f) && statSync(folder + f).isFile());
    if (update) for (const f of others) rmSync(folder + f);
    else expect(others).toEqual([]);
  });
});

test.each(["lenet", "alexnet"])("graph, joint and expr of %s know no target", (model) => {
  const [portable, lavapipe] = targets.map((target) => [
    print(compiled(model, target).model.graph),
    print(step(model, target).graph),
    print(step(model, target).expr),
  ]);
  expect(lavapipe).toEqual(portable);
});

describe("a golden file that differs", () => {
  const lines = (...numbers: number[]) => numbers.map((n) => `line ${n}`).join("\n");
  test("shows the lines that do, and three around them", () => {
    const before = lines(1, 2, 3, 4, 5, 6, 7, 8, 9);
    const after = before.replace("line 5", "other").replace("line 6\n", "");
    expect(changedPart(before, after)).toEqual({
      line: 5,
      before: lines(2, 3, 4, 5, 6, 7, 8, 9),
      after: lines(2, 3, 4, 5, 6, 7, 8, 9).replace("line 5", "other").replace("line 6\n", ""),
    });
  });
  test("shows what was added at the end", () => {
    expect(changedPart("a\nb\n", "a\nb\nc\n")).toEqual({ line: 3, before: "a\nb\n", after: "a\nb\nc\n" });
  });
});
