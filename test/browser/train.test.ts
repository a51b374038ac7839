import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { assemble, compile, loadTarget } from "../../compiler/index.ts";
import type { Artifact } from "../../runtime/index.ts";
import { writeArtifact } from "../../runtime/node/artifacts.ts";
import { openDevice } from "../../runtime/node/device.ts";
import { tiny } from "../runtime/tinyArtifact.ts";
import { lossesOf } from "./lossesOf.ts";
import { trainInBrowser } from "./trainInBrowser.ts";

/** Five steps in a tab have the losses that they have in Node. The artifact must be compiled for "portable". */
async function expectSameLosses(artifact: Artifact, size: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kiln-browser-"));
  try {
    await writeArtifact(join(folder, "artifact"), artifact);
    const inBrowser = await trainInBrowser(join(folder, "artifact"), 5, size);
    expect(inBrowser.errors).toEqual([]);
    expect(inBrowser.uncaught).toEqual([]);
    const { device } = await openDevice({ program: artifact.program.target });
    const inNode = await lossesOf(device, artifact, 5, size);
    expect(inNode).toHaveLength(5);
    for (const [i, loss] of inNode.entries()) expect(Math.abs(inBrowser.losses[i] - loss)).toBeLessThan(1e-4);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a hand-written artifact trains in headless Chromium as in Node", { timeout: 120_000 }, () =>
  expectSameLosses(tiny, 2),
);

test("LeNet, compiled for portable, trains in headless Chromium as in Node", { timeout: 240_000 }, async () => {
  const read = (path: string) => readFileSync(path, "utf8");
  const { artifact } = compile({ path: "models/lenet.ts", read }, { batch: 16, target: loadTarget("portable") });
  if (!artifact) throw new Error("models/lenet.ts does not compile");
  await expectSameLosses(artifact, 32);
});

test.each([
  { isolated: true, device: "WebAssembly SIMD, 2 threads" },
  { isolated: false, device: "WebAssembly SIMD, one thread: the page is not cross-origin isolated" },
])("LeNet in WebAssembly in headless Chromium: $device", { timeout: 240_000 }, async ({ isolated, device }) => {
  const read = (path: string) => readFileSync(path, "utf8");
  const { artifact } = compile({ path: "models/lenet.ts", read }, { batch: 16, target: loadTarget("wasm") });
  if (!artifact) throw new Error("models/lenet.ts does not compile");
  const whole = await assemble(artifact);
  const folder = mkdtempSync(join(tmpdir(), "kiln-browser-"));
  try {
    await writeArtifact(join(folder, "artifact"), whole);
    const inBrowser = await trainInBrowser(join(folder, "artifact"), 5, 32, { script: "wasmPage.ts", isolated });
    expect(inBrowser.errors).toEqual([]);
    expect(inBrowser.adapter).toBe(device);
    // The same instructions: the same bits.
    const { device: here } = await openDevice({ adapter: "wasm" });
    expect(inBrowser.losses).toEqual(await lossesOf(here, whole, 5, 32));
    here.destroy();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
