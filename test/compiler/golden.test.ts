/**
 * This project's own goldens: what the compiler makes of AlexNet and LeNet for described targets, the same on every machine.
 * `npm run golden:update` rewrites them; read the diff before it is committed.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { MatchKilnOptions } from "../../cli/golden/vitest.ts";
import "../../cli/golden/vitest.ts";
import { root } from "../frontend/read.ts";

const targets = ["portable", "lavapipe", "wasm"] as const;

/**
 * Kernels of LeNet at batch 4 that are kept as text: the pictures' resize; a pool; a convolution through workgroup memory;
 * the rows of softmax cross-entropy with its gradient; a weight's gradient with its update, with momentum; a dense layer
 * with bias and relu by broadcast. For WebAssembly, the same six.
 */
const shown = [
  "pictures_input",
  "maxPool2d_maxPool2d_1_y",
  "conv2d_conv2d_2",
  "softmaxCrossEntropy_d_dense_2",
  "denseWeightGradient_dense_2_weight_next",
];
const broadcast = ["dense_relu_3"];

const goldens: readonly (MatchKilnOptions & { readonly model: string })[] = [
  ...["lenet", "alexnet"].flatMap((model) => [
    { model, dir: model, stages: ["graph", "joint", "expr"] as const, kernels: "none" as const },
    ...targets.map((target) => ({
      ...{ model, dir: `${model}/${target}`, target },
      ...{ stages: ["fused", "plan", "work"] as const, kernels: "hash" as const },
    })),
  ]),
  // A small batch shows all that a program can hold, the usual one the step that is measured.
  ...targets.map((target) => ({
    ...{ model: "lenet", dir: `lenet-batch-4/${target}`, target, batch: 4, momentum: 0.9, stages: [] },
    entries: ["forward", "gradients", "gradientsFromCotangent", "update"] as const,
    kernels: target === "lavapipe" ? broadcast : target === "wasm" ? [...shown, ...broadcast] : shown,
  })),
];

test.each(goldens)("$dir", async ({ model, dir, ...options }) => {
  await expect(`models/${model}.ts`).toMatchKiln({ ...options, dir: `test/golden/${dir}`, numbers: false });
});

test("there are no others", () => {
  const folder = join(root, "test/golden");
  const files = readdirSync(folder, { recursive: true }).map(String);
  const manifests = goldens.map(({ dir }) => join(dir, "golden.json"));
  expect(files.filter((file) => file.endsWith("golden.json")).sort()).toEqual(manifests.sort());
  const listed = manifests.flatMap((file) => {
    const { files } = JSON.parse(readFileSync(join(folder, file), "utf8"));
    return [file, ...files.map((name: string) => join(file, "..", name))];
  });
  expect(files.filter((file) => statSync(join(folder, file)).isFile()).sort()).toEqual(listed.sort());
});
