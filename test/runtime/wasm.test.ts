/** What is WebAssembly's own: threads, traps, memory, what an engine must have. */
import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { assemble, compile } from "../../compiler/index.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { openDevice } from "../../runtime/node/device.ts";
import { wasmAdapter } from "../../runtime/node/wasm.ts";
import type { KilnError } from "../../runtime/program/error.ts";
import type { Artifact } from "../../runtime/program/schema.ts";
import { createSession } from "../../runtime/session.ts";
import { WasmDevice } from "../../runtime/wasm/device.ts";
import { lossesOf } from "../browser/lossesOf.ts";
import { adapterNames } from "./devices.ts";
import { tiny } from "./tinyArtifact.ts";
import { tinyWasm } from "./tinyWasm.ts";

/** As many threads as asked for; none beside the calling one for 0. */
async function deviceWith(threads: number): Promise<WasmDevice> {
  if (threads === 0) return new WasmDevice({ name: "the calling thread", threads: 1, spawn: null });
  vi.stubEnv("KILN_THREADS", `${threads}`);
  try {
    return (await wasmAdapter().open()) as WasmDevice;
  } finally {
    vi.unstubAllEnvs();
  }
}

async function lenet(batch: number): Promise<Artifact> {
  const read = (path: string) => readFileSync(path, "utf8");
  const { artifact } = compile({ path: "models/lenet.ts", read }, { batch, target: loadTarget("wasm") });
  if (!artifact) throw new Error("models/lenet.ts does not compile");
  return assemble(artifact);
}

const refusal = (promise: Promise<unknown>): Promise<KilnError> =>
  promise.then(
    () => Promise.reject(new Error("it was not refused")),
    (error) => error,
  );

test("any number of threads gives the same bits", { timeout: 60_000 }, async () => {
  const artifact = await lenet(8);
  const all: number[][] = [];
  for (const threads of [1, 2, 4, 7, 0]) {
    const device = await deviceWith(threads);
    expect(device.threads).toBe(Math.max(1, threads));
    all.push(await lossesOf(device, artifact, 4, 32));
    device.destroy();
  }
  const [first, ...others] = all;
  expect(new Set(first).size).toBe(4);
  for (const losses of others) expect(losses).toEqual(first);
});

test("a profile has every dispatch, with any number of threads", async () => {
  const artifact = await lenet(4);
  const { pictures, dispatches } = artifact.program.entries.step!;
  for (const threads of [0, 2]) {
    const device = await deviceWith(threads);
    const session = await createSession(device, artifact, { entries: ["step"], pictures: { height: 32, width: 32 } });
    session.setUniforms({ lr: 0.1 });
    session.writePictures(new Uint8Array(4 * 32 * 32 * 3), 32, 32);
    session.writeLabels([0, 1, 2, 3]);
    const profile = await session.profile("step", { pictures: true, repeats: 2 });
    expect(profile.clock).toBe("threads");
    expect(profile.dispatches).toHaveLength(pictures.length + dispatches.length);
    for (const { nanoseconds } of profile.dispatches) expect(nanoseconds).toBeGreaterThanOrEqual(0);
    expect(profile.totalNanoseconds).toBeGreaterThan(0);
    // One run: each dispatch begins where the one before ends, by whichever thread's clock.
    const run = profile.fastestRun!;
    expect(run[0].start).toBe(0);
    for (let i = 1; i < run.length; i++)
      expect(Math.abs(run[i].start - run[i - 1].start - run[i - 1].nanoseconds)).toBeLessThanOrEqual(1);
    for (const [i, { nanoseconds }] of run.entries())
      expect(nanoseconds).toBeGreaterThanOrEqual(profile.dispatches[i].nanoseconds);
    device.destroy();
  }
});

/** `tinyWasm` with another text for one of its kernels. */
async function withKernel(change: (text: string) => string): Promise<Artifact> {
  const [file] = Object.keys(tinyWasm.kernels).filter((name) => name.includes("dense_"));
  return assemble({ ...tinyWasm, kernels: { ...tinyWasm.kernels, [file]: change(tinyWasm.kernels[file]) } });
}

test.each([0, 2])("a kernel that traps is named, and nothing runs after it: %d workers", async (threads) => {
  const broken = await withKernel((text) => text.replace("(loop $workgroups", "(unreachable) (loop $workgroups"));
  const device = await deviceWith(threads);
  const session = await createSession(device, broken, { entries: ["forward"] });
  session.writeInput("forward", "input", new Float32Array(48));
  const error = await refusal(session.run("forward"));
  expect(error).toMatchObject({ name: "KilnError", kind: "validation" });
  expect(error.message).toMatch(
    /^kernel dense_dense_1 \(kernels\/dense_dense_1\.wat, made from tiny\.ts:\d+\) failed: .*unreachable/,
  );
  expect(await refusal(session.readState("dense_1.weight"))).toBe(error);
  device.destroy();
});

test("what an engine refuses, what is missing, and what is for another device, is told", async () => {
  const device = await deviceWith(1);
  const load = (artifact: Artifact) => refusal(createSession(device, artifact, { entries: ["forward"] }));
  const modules = Object.fromEntries(
    Object.keys(tinyWasm.modules!).map((file) => [file, new Uint8Array([1, 2, 3, 4])]),
  );
  expect(await load({ ...tinyWasm, modules })).toMatchObject({
    kind: "validation",
    message: expect.stringMatching(/^kernel .*: the engine refuses it: /),
  });
  expect(await load({ ...tinyWasm, modules: undefined })).toMatchObject({
    kind: "artifact",
    message: expect.stringContaining("`assemble` of kiln/compiler makes it"),
  });
  expect(await load(tiny)).toMatchObject({
    kind: "adapter",
    message: expect.stringContaining("compiled for portable, which WebAssembly does not run"),
  });
  const target = { ...tinyWasm.program.target, features: ["time-travel"] };
  expect(await load({ ...tinyWasm, program: { ...tinyWasm.program, target } })).toMatchObject({
    kind: "adapter",
    message: expect.stringContaining("an engine with time-travel, which this one lacks"),
  });
  device.destroy();
  const { device: gpu } = await openDevice({ adapter: adapterNames[0] });
  expect(await refusal(createSession(gpu, tinyWasm, { entries: ["forward"] }))).toMatchObject({
    kind: "adapter",
    message: expect.stringContaining("compiled for WebAssembly, which"),
  });
  gpu.destroy();
});

test("more memory than there is: what takes it", async () => {
  const program = structuredClone(tinyWasm.program) as Artifact["program"];
  for (const entry of Object.values(program.entries)) (entry.arenas as number[]).push(2 ** 32);
  const device = await deviceWith(1);
  const error = await refusal(createSession(device, { ...tinyWasm, program }, { entries: ["forward"] }));
  expect(error).toMatchObject({ kind: "out-of-memory" });
  expect(error.message).toMatch(
    /^tiny with a batch of 4 takes 4\.0 GiB of WebAssembly memory: 4\.0 GiB for its arena, .*the largest of it dense_1\.weight.* with 144 bytes/,
  );
  device.destroy();
});
