/** kiln diff: models, text and artifacts against each other. */
import { afterAll, expect, test } from "vitest";
import { Folder } from "./kiln.ts";

const folder = new Folder();
const { kiln } = folder;
afterAll(() => folder.remove());

test("a model, its text and its artifact are the same program", { timeout: 120_000 }, async () => {
  await kiln("compile", "tiny.ts", "-o", "built", "--batch", "4");
  folder.write("fused.kir", (await kiln("inspect", "tiny.ts", "--stage", "fused", "--batch", "4")).stdout);
  for (const other of ["built", "fused.kir"]) {
    const { code, stdout, stderr } = await kiln("diff", "tiny.ts", other, "--batch", "4");
    expect([code, stdout, stderr]).toEqual([0, "", `tiny.ts and ${other} compile to the same.\n`]);
  }
});

test("another layer shows in tensors, kernels and plan", { timeout: 120_000 }, async () => {
  folder.write("other.ts", folder.read("tiny.ts").replace("kernel: 2 }", "kernel: 3 }"));
  const { code, stdout } = await kiln("diff", "tiny.ts", "other.ts", "--batch", "4");
  expect(code).toBe(1);
  expect(stdout).toMatch(/^tensors +tiny\.ts +other\.ts +change$/m);
  expect(stdout).toMatch(/^dense_1\.weight +f32\[10,100\] +f32\[10,36\]$/m);
  expect(stdout).toMatch(/^operations +\d+ +\d+ +-\d+\.\d%$/m);
  const json = await kiln("diff", "tiny.ts", "other.ts", "--batch", "4", "--json");
  expect(JSON.parse(json.stdout)).toContainEqual({
    section: "tensors",
    name: "dense_1.weight",
    a: "f32[10,100]",
    b: "f32[10,36]",
  });
});
