/** kiln doctor and kiln bench. */
import { afterAll, expect, test } from "vitest";
import { checkExample, examples } from "../../cli/check/selfTest.ts";
import { openDevice } from "../../runtime/node/index.ts";
import { adapterNames, gpuOf } from "../runtime/devices.ts";
import { Folder } from "./kiln.ts";

const folder = new Folder();
const { kiln } = folder;
afterAll(() => folder.remove());

test("doctor lists the adapters, and which one will be used", async () => {
  const { code, stdout, stderr } = await kiln("doctor", "--json");
  expect(code).toBe(0);
  const report = JSON.parse(stdout);
  expect(report.ok).toBe(true);
  const used = report.adapters.filter((adapter: { used: boolean }) => adapter.used);
  expect(used).toHaveLength(1);
  expect(stderr).toContain(`\n* ${used[0].name}\n`);
  expect(stderr).toContain(`Used: ${used[0].name}`);
  for (const { name, target } of report.adapters) {
    expect(stderr).toContain(name);
    if (target.class === "wasm") expect(stderr).toContain("4 GiB in all");
    else expect(stderr).toContain(`${target.limits.maxComputeInvocationsPerWorkgroup} invocations`);
  }
});

test("doctor where nothing has that name says what there is", async () => {
  const { code, stderr } = await kiln("doctor", "--adapter", "voodoo");
  expect([code, stderr]).toEqual([1, expect.stringContaining('no adapter is named "voodoo"; found: ')]);
});

test("the self-tests pass here, and notice a wrong result", { timeout: 120_000 }, async () => {
  const { device, target } = await openDevice({ adapter: adapterNames[0] });
  const all = examples();
  expect(new Set(all.map((text) => text.replace(/\(.*/, ""))).size).toBeGreaterThan(10);
  for (const example of ["relu(x: [2,7]) -> [2,7]", "dense(x: [2,12], { units: 5 }) -> [2,5]"])
    expect(await checkExample(device, target, example)).toMatchObject({ ok: true, failure: null });
  // A driver that computes max as min.
  const gpu = gpuOf(device);
  const create = gpu.createShaderModule.bind(gpu);
  gpu.createShaderModule = (descriptor) => create({ ...descriptor, code: descriptor.code.replace(/\bmax\(/g, "min(") });
  const wrong = await checkExample(device, target, "relu(x: [2,7]) -> [2,7]");
  expect(wrong).toMatchObject({ ok: false });
  expect(wrong.error).toBeGreaterThan(0.1);
});

test("bench has the figures that it promises", async () => {
  const { code, stdout, stderr } = await kiln("bench", "tiny.ts", "--batch", "8", "--repeats", "1", "--json");
  expect(code, stderr).toBe(0);
  const figures = JSON.parse(stdout);
  expect(figures).toMatchObject({ model: "tiny", batch: 8, adapter: expect.any(String) });
  for (const name of ["peakGflops", "forwardMs", "stepMs", "imagesPerSecond"]) expect(figures[name]).toBeGreaterThan(0);
  expect(figures.imagesPerSecond).toBeCloseTo(8000 / figures.stepMs, 6);
  expect(figures.kernels).toHaveLength(figures.dispatches);
  for (const kernel of figures.kernels) {
    expect(Object.keys(kernel)).toEqual(
      expect.arrayContaining(["name", "ops", "ms", "gflops", "executedGflops", "percentOfPeak", "bytes"]),
    );
    expect(kernel.percentOfPeak).toBeCloseTo((100 * kernel.gflops) / figures.peakGflops, 6);
    expect(kernel.bytes).toBeGreaterThan(0);
  }
  // 8 pictures, 4 channels of 10x10, windows of 5x5x3: a multiplication and an addition each, and the bias and relu.
  const conv = figures.kernels.find((kernel: { ops: string[] }) => kernel.ops.includes("conv2d"));
  expect(conv.operations).toBeGreaterThanOrEqual(2 * 8 * 400 * 75);
  expect(conv.operations).toBeLessThan(2.2 * 8 * 400 * 75);
  const { planBytes, lowerBoundBytes, ratio } = figures.memory;
  expect(ratio).toBeCloseTo(planBytes / lowerBoundBytes, 9);
  expect(stderr).toContain(conv.name);

  const infer = await kiln("bench", "tiny.ts", "--batch", "8", "--mode", "infer", "--repeats", "1", "--json");
  expect(JSON.parse(infer.stdout)).toMatchObject({ mode: "infer", stepMs: null });
});
