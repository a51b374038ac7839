/** A training killed at any moment and resumed ends with the same bits as one that was left alone. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleForNode, start } from "../runtime/child.ts";

const steps = 300;
let folder: string;
/** WebGPU, as far as this machine has it, and WebAssembly. */
const programs = new Map<string, ReturnType<typeof bundleForNode>>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kiln-kill-"));
  for (const [name, artifact] of [
    ["webgpu", "tinyArtifact.ts"],
    ["wasm", "tinyWasm.ts"],
  ])
    programs.set(
      name,
      bundleForNode(`
    import { artifactHash, createSession, train } from "./runtime/index.ts";
    import { prepareCheckpoints, readNewestCheckpoint, writeCheckpoint } from "./runtime/node/checkpoints.ts";
    import { openDevice } from "./runtime/node/device.ts";
    import { ${artifact === "tinyWasm.ts" ? "tinyWasm as tiny" : "tiny"} } from "./test/runtime/${artifact}";
    import { tinyPictures } from "./test/runtime/tinyPictures.ts";
    const folder = process.argv[2];
    await prepareCheckpoints(folder);
    const identity = { program: tiny.program, artifactHash: await artifactHash(tiny) };
    const found = await readNewestCheckpoint(folder, identity);
    const { device } = await openDevice({ program: tiny.program.target });
    const session = await createSession(device, tiny, { entries: ["step", "forward"], pictures: { height: 2, width: 2 } });
    console.log("from " + (found?.checkpoint.progress.step ?? 0) + " skipped " + (found?.skipped.length ?? 0));
    await train(session, {
      train: tinyPictures(50), test: tinyPictures(9), learningRate: 0.01, momentum: 0.9, steps: ${steps},
      from: found?.checkpoint, checkpointEvery: 5,
      onCheckpoint: async (checkpoint) => {
        await writeCheckpoint(folder, identity, checkpoint);
        console.log("saved " + checkpoint.progress.step);
      },
    });
    console.log("done");`),
    );
}, 60_000);
afterAll(() => {
  for (const program of programs.values()) program.remove();
  rmSync(folder, { recursive: true });
});

/** Runs until the end, or kills it some time after its first checkpoint. */
async function run(device: string, name: string, killAfter?: number) {
  const { child, finished } = start(programs.get(device)!.file, [join(folder, device, name)]);
  if (killAfter !== undefined)
    child.stdout.on("data", (text) => {
      if (/saved/.test(text)) setTimeout(() => child.kill("SIGKILL"), killAfter);
    });
  const result = await finished;
  const [, from, skipped] = /^from (\d+) skipped (\d+)/.exec(result.stdout) ?? [null, "-1", "-1"];
  const saved = [...result.stdout.matchAll(/saved (\d+)/g)].map((match) => Number(match[1]));
  return { ...result, from: Number(from), skipped: Number(skipped), saved };
}

test.each(["webgpu", "wasm"])("kill -9, again and again: %s", { timeout: 120_000 }, async (device) => {
  const whole = await run(device, "whole");
  expect(whole.stderr.replace(/^Warning: .*\n/gm, "")).toBe("");
  expect(whole.stdout).toMatch(/^from 0 skipped 0\n(saved \d+\n)+done\n$/);

  let kills = 0;
  let last = 0;
  for (let i = 0; i < 6; i++) {
    const { signal, from, skipped, saved } = await run(device, "broken", Math.random() * 60);
    if (signal !== "SIGKILL") break; // it reached the end first
    kills++;
    expect(skipped).toBe(0); // nothing half written was left under a checkpoint's name
    expect(from).toBeGreaterThanOrEqual(last); // on, not over
    expect(saved[0]).toBeGreaterThanOrEqual(from);
    last = saved.at(-1)!;
  }
  expect(kills).toBeGreaterThanOrEqual(3);
  const end = await run(device, "broken");
  expect(end.code).toBe(0);
  expect(end.from).toBeGreaterThanOrEqual(last);

  const names = readdirSync(join(folder, device, "whole")).sort();
  expect(names).toHaveLength(2);
  expect(readdirSync(join(folder, device, "broken")).sort()).toEqual(names); // no leftovers either
  for (const name of names)
    expect(
      readFileSync(join(folder, device, "broken", name)).equals(readFileSync(join(folder, device, "whole", name))),
    ).toBe(true);
});
