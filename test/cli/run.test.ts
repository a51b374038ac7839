/** kiln run: PyTorch's cases from the command line, artifacts, and what does not fit. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { f32, parseSafetensors, type StoredTensor } from "../../runtime/program/safetensors.ts";
import { Folder, numbers, root } from "./kiln.ts";

const folder = new Folder();
const { kiln } = folder;
afterAll(() => folder.remove());

const reference = join(root, "test/reference");
interface Case {
  readonly name: string;
  readonly model: string;
  readonly mode: "train" | "infer";
  readonly inputs: string;
  readonly weights: string | null;
  readonly expect: string;
  readonly kind: "grads" | "steps";
  readonly target: "labels" | "cotangent" | null;
  readonly tolerance: number;
  readonly steps?: number;
  readonly lr?: number;
  readonly momentum?: number;
  readonly weightDecay?: number;
}
const cases: Case[] = JSON.parse(readFileSync(join(reference, "index.json"), "utf8"));

const argumentsOf = (c: Case, out: string): string[] => [
  "run",
  join(reference, c.model),
  ...["--inputs", join(reference, c.inputs), "--out", out, "--mode", c.mode],
  ...(c.weights ? ["--weights", join(reference, c.weights)] : []),
  ...(c.kind === "grads" && c.mode === "train" ? ["--grads"] : []),
  ...(c.steps === undefined ? [] : ["--steps", `${c.steps}`, "--lr", `${c.lr}`]),
  ...(c.momentum ? ["--momentum", `${c.momentum}`] : []),
  ...(c.weightDecay ? ["--weight-decay", `${c.weightDecay}`] : []),
];

const relativeError = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [difference, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    size += b[i] ** 2;
  }
  return Math.sqrt(difference) / Math.max(Math.sqrt(size), 1e-12);
};

const data = (tensor: StoredTensor | undefined) => tensor!.data as Float32Array;

/** One of each kind; all of them are run elsewhere, without a process each. */
const picked = [
  cases.find((c) => c.kind === "grads" && c.target === "cotangent" && c.mode === "train")!,
  cases.find((c) => c.kind === "grads" && c.target === "labels" && c.mode === "train")!,
  cases.find((c) => /batchNorm|batch_norm/i.test(c.name) && c.mode === "train")!,
  cases.find((c) => c.mode === "infer")!,
  cases.find((c) => c.kind === "steps" && c.momentum && c.weightDecay)!,
];

test.each(picked)("$name as PyTorch has it", async (c) => {
  const { code, stdout, stderr } = await kiln(...argumentsOf(c, "out.safetensors"));
  expect([code, stdout], stderr).toEqual([0, ""]);
  const ours = folder.tensors("out.safetensors");
  const theirs = parseSafetensors(readFileSync(join(reference, c.expect)), c.expect).tensors;
  for (const [name, tensor] of theirs) {
    expect(ours.get(name)?.data.length, name).toBe(tensor.data.length);
    if (name !== "loss") expect(ours.get(name)!.shape, name).toEqual(tensor.shape);
    expect(relativeError(data(ours.get(name)), data(tensor)), name).toBeLessThanOrEqual(c.tolerance);
  }
});

const inputs = (more: Record<string, StoredTensor> = {}, batch = 3) =>
  folder.writeTensors("in.safetensors", { input: f32([batch, 3, 32, 32], numbers(batch * 3072)), ...more });
const labels = (...values: number[]): StoredTensor => ({
  dtype: "I32",
  shape: [values.length],
  data: Int32Array.from(values),
});

beforeAll(async () => {
  folder.writeTensors("w.safetensors", {
    "conv2d_1.weight": f32([4, 3, 5, 5], numbers(300, 2)),
    "conv2d_1.bias": f32([4], numbers(4, 3)),
    "dense_1.weight": f32([10, 100], numbers(1000, 4)),
    "dense_1.bias": f32([10], numbers(10, 5)),
  });
});

describe("artifacts", () => {
  test("compile, then run of the folder, gives the bits of run of the model", async () => {
    inputs({ labels: labels(1, 2, 3) });
    const options = ["--inputs", "in.safetensors", "--weights", "w.safetensors"];
    await kiln("compile", "tiny.ts", "--batch", "3", "--target", "adapter", "--momentum", "0.9", "-o", "built");
    for (const more of [["--grads"], ["--steps", "3", "--lr", "0.1", "--momentum", "0.5"]]) {
      const runs = await Promise.all([
        kiln("run", "tiny.ts", ...options, ...more, "--out", "model.safetensors"),
        kiln("run", "built", ...options, ...more, "--out", "folder.safetensors"),
      ]);
      expect(runs.map(({ code }) => code)).toEqual([0, 0]);
      const [model, artifact] = ["model", "folder"].map((name) => readFileSync(folder.file(`${name}.safetensors`)));
      expect(model.equals(artifact)).toBe(true);
    }
  });

  test("what does not agree with the artifact is an error, with all of it told", async () => {
    inputs();
    const options = ["--inputs", "in.safetensors", "--weights", "w.safetensors", "--out", "out"];
    const { code, stderr } = await kiln(
      ...["run", "built", ...options, "--mode", "infer", "--set", "channels=9", "--target", "portable"],
    );
    expect(code).toBe(1);
    expect(stderr).toContain("--mode infer: it was compiled with train");
    expect(stderr).toContain("--set channels=9: it was compiled with no settings");
    expect(stderr).toContain("--target portable: it was compiled with");
    inputs({}, 2);
    const batch = await kiln("run", "built", ...options);
    expect([batch.code, batch.stderr]).toEqual([
      1,
      expect.stringContaining("input holds 2 pictures, but tiny was compiled for a batch of 3"),
    ]);
  });

  test("momentum needs velocities", async () => {
    inputs({ labels: labels(1, 2, 3) });
    await kiln("compile", "tiny.ts", "--batch", "3", "-o", "plain");
    const { code, stderr } = await kiln(
      ...["run", "plain", "--inputs", "in.safetensors", "--weights", "w.safetensors", "--out", "out"],
      ...["--steps", "1", "--momentum", "0.9"],
    );
    expect([code, stderr]).toEqual([1, expect.stringContaining("momentum is 0.9, but tiny was compiled without it")]);
  });
});

describe("infer mode", () => {
  test("the loss is computed from the output", async () => {
    inputs({ labels: labels(9, 0, 4) });
    const options = ["--inputs", "in.safetensors", "--weights", "w.safetensors"];
    await kiln("run", "tiny.ts", ...options, "--mode", "infer", "--out", "infer.safetensors");
    await kiln("run", "tiny.ts", ...options, "--out", "train.safetensors");
    const [infer, train] = [folder.tensors("infer.safetensors"), folder.tensors("train.safetensors")];
    expect([...infer.keys()]).toEqual(["output", "loss"]);
    expect(relativeError(data(infer.get("loss")), data(train.get("loss")))).toBeLessThan(1e-6);
  });
});

describe("what does not fit", () => {
  const run = (...more: string[]) =>
    kiln("run", "tiny.ts", "--inputs", "in.safetensors", "--out", "out", "--weights", "w.safetensors", ...more);

  test("without weights", async () => {
    inputs();
    const { code, stderr } = await kiln("run", "tiny.ts", "--inputs", "in.safetensors", "--out", "out");
    expect([code, stderr]).toEqual([2, expect.stringContaining("tiny has parameters: give their values, --weights")]);
  });

  test.each<[string, Record<string, StoredTensor>, string[], number, string]>([
    [
      "another size",
      { input: f32([2, 3, 8, 8], numbers(384)) },
      [],
      1,
      "input is [2, 3, 8, 8], but tiny takes [2, 3, 32, 32]",
    ],
    ["another rank", { input: f32([3072], numbers(3072)) }, [], 1, "input is [3072]; [N, C, H, W] expected"],
    ["too few labels", { labels: labels(1, 2) }, [], 1, "labels are [2]; [3] expected, one a picture"],
    ["a label out of range", { labels: labels(1, 2, 10) }, [], 1, "label 2 is 10; 0 to 9 expected"],
    [
      "another cotangent",
      { cotangent: f32([3, 9], numbers(27)) },
      [],
      1,
      "cotangent is [3, 9], but the output is [3, 10]",
    ],
    ["an unknown tensor", { inputs: f32([1], numbers(1)) }, [], 1, "in.safetensors holds inputs"],
    ["gradients of nothing", {}, ["--grads"], 2, "--grads needs `labels` or `cotangent`"],
    ["steps on nothing", {}, ["--steps", "2"], 2, "--steps needs `labels`"],
    [
      "gradients in infer mode",
      { labels: labels(1, 2, 3) },
      ["--grads", "--mode", "infer"],
      2,
      "--grads needs --mode train",
    ],
    ["another batch", {}, ["--batch", "4"], 2, "--batch 4, but `input` in in.safetensors holds 3 pictures"],
  ])("%s", async (_, more, options, code, message) => {
    inputs(more);
    const result = await run(...options);
    expect([result.code, result.stderr]).toEqual([code, expect.stringContaining(message)]);
  });

  test("no safetensors file", async () => {
    folder.write("in.safetensors", "hello");
    expect(await run()).toMatchObject({ code: 1, stderr: expect.stringContaining("not a safetensors file") });
  });
});
