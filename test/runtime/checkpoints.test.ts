import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { artifactHash, type Checkpoint, parseSafetensors } from "../../runtime/index.ts";
import {
  type CheckpointIdentity,
  listCheckpoints,
  prepareCheckpoints,
  readCheckpoint,
  readNewestCheckpoint,
  readWeights,
  writeCheckpoint,
} from "../../runtime/node/checkpoints.ts";
import { tiny } from "./tinyArtifact.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kiln-checkpoints-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const identity: CheckpointIdentity = { program: tiny.program, artifactHash: await artifactHash(tiny) };

const at = (step: number): Checkpoint => ({
  progress: { seed: 3, step, epoch: 0, movingLoss: 1.1 + 1 / 3, evaluatedStep: 0 },
  state: new Map([
    ["dense_1.weight", Float32Array.from({ length: 36 }, (_, i) => i + step / 7)],
    ["dense_1.weight.velocity", Float32Array.from({ length: 36 }, (_, i) => -i)],
  ]),
});
const name = (step: number) => `step-${String(step).padStart(9, "0")}.safetensors`;

test("comes back bit for bit; two are kept", async () => {
  for (const step of [100, 200, 300]) {
    const path = await writeCheckpoint(folder, identity, at(step));
    expect(path).toBe(join(folder, name(step)));
  }
  expect(readdirSync(folder).sort()).toEqual([name(200), name(300)]);
  expect(await listCheckpoints(folder)).toEqual([300, 200].map((step) => ({ path: join(folder, name(step)), step })));
  const newest = await readNewestCheckpoint(folder, identity);
  expect(newest).toEqual({ path: join(folder, name(300)), checkpoint: at(300), skipped: [] });
  // The same step again replaces its file.
  const evaluated = { ...at(300), progress: { ...at(300).progress, evaluatedStep: 300 } };
  await writeCheckpoint(folder, identity, evaluated);
  expect(await readCheckpoint(join(folder, name(300)), identity)).toEqual(evaluated);
  expect(readdirSync(folder)).toHaveLength(2);
});

test("is a safetensors file that says what it is", async () => {
  const { tensors, metadata } = parseSafetensors(readFileSync(await writeCheckpoint(folder, identity, at(7))), "c");
  expect([...tensors.keys()]).toEqual(["dense_1.weight", "dense_1.weight.velocity"]);
  expect(tensors.get("dense_1.weight")!.shape).toEqual([3, 12]);
  expect(Object.fromEntries(metadata)).toEqual({
    format: "kiln checkpoint 1",
    model: "tiny",
    modelHash: "abc",
    artifactHash: identity.artifactHash,
    velocities: '["dense_1.weight.velocity"]',
    progress: JSON.stringify(at(7).progress),
    generator: "threefry2x32-20, keyed by seed and step",
  });
});

test("the newest that can be read is found; a truncated one is told and left alone", async () => {
  await writeCheckpoint(folder, identity, at(1));
  const path = await writeCheckpoint(folder, identity, at(2));
  const cut = readFileSync(path).subarray(0, 500);
  writeFileSync(path, cut);
  const found = await readNewestCheckpoint(folder, identity);
  expect(found!.checkpoint).toEqual(at(1));
  expect(found!.skipped).toEqual([expect.stringMatching(/step-000000002\.safetensors: truncated/)]);
  await expect(readCheckpoint(path, identity)).rejects.toThrow("truncated");
  expect(readFileSync(path)).toEqual(cut);
  // Where none can be read, that is an error: not a fresh start.
  writeFileSync(join(folder, name(1)), "");
  await expect(readNewestCheckpoint(folder, identity)).rejects.toThrow(/no checkpoint in it can be read:\n.*truncated/);
});

test("an empty or absent folder has none", async () => {
  expect(await readNewestCheckpoint(folder, identity)).toBeNull();
  expect(await readNewestCheckpoint(join(folder, "absent"), identity)).toBeNull();
});

test("another model, another artifact, other shapes and other files are refused", async () => {
  const path = await writeCheckpoint(folder, identity, at(2));
  const content = readFileSync(path);
  const { program } = tiny;
  const like = (change: object): CheckpointIdentity => ({ ...identity, program: { ...program, ...change } });
  await expect(readCheckpoint(path, like({ model: { ...program.model, name: "lenet", hash: "x" } }))).rejects.toThrow(
    `${path}: a checkpoint of another model: of tiny, not of this lenet`,
  );
  await expect(readNewestCheckpoint(folder, like({ model: { ...program.model, hash: "x" } }))).rejects.toThrow(
    "another model",
  );
  await expect(readCheckpoint(path, { ...identity, artifactHash: "0" })).rejects.toThrow(
    "written with another compilation of tiny; resume with the artifact that its folder keeps",
  );
  const wide = [{ ...program.state[0], shape: [3, 13] }];
  await expect(readCheckpoint(path, like({ state: wide }))).rejects.toThrow(
    "dense_1.weight is [3, 12]; [3, 13] expected",
  );
  const more = [{ ...program.state[0], name: "dense_2.weight" }];
  await expect(readCheckpoint(path, like({ state: more }))).rejects.toThrow("dense_2.weight is missing");
  const reference = new URL("../reference/conv2d_basic.w.safetensors", import.meta.url).pathname;
  await expect(readCheckpoint(reference, identity)).rejects.toThrow(
    'no checkpoint that this Kiln reads (format "none"',
  );
  await expect(readCheckpoint(join(folder, "absent"), identity)).rejects.toThrow("cannot be read: it does not exist");
  expect(readFileSync(path)).toEqual(content);
});

test("weights: of a file, of a checkpoint, of a folder's newest, without velocities", async () => {
  const reference = new URL("../reference/conv2d_basic.w.safetensors", import.meta.url).pathname;
  expect([...(await readWeights(reference)).keys()]).toEqual(["conv2d_1.weight", "conv2d_1.bias"]);
  await writeCheckpoint(folder, identity, at(1));
  const path = await writeCheckpoint(folder, identity, at(2));
  for (const from of [path, folder]) {
    const weights = await readWeights(from);
    expect([...weights.keys()]).toEqual(["dense_1.weight"]);
    expect(weights.get("dense_1.weight")!.data).toEqual(at(2).state.get("dense_1.weight"));
  }
  await expect(readWeights(join(folder, "w"))).rejects.toThrow("the weights cannot be read: it does not exist");
  rmSync(path);
  rmSync(join(folder, name(1)));
  await expect(readWeights(folder)).rejects.toThrow("no checkpoint in it that can be read");
});

test.runIf(existsSync("/dev/full"))("a full disk is an error that leaves the old ones", async () => {
  await writeCheckpoint(folder, identity, at(1));
  await writeCheckpoint(folder, identity, at(2));
  const before = readdirSync(folder);
  const error = await writeCheckpoint(folder, identity, at(3), async (file, parts) => {
    await file.writeFile(parts[0]); // the disk takes a part, and then
    const full = await open("/dev/full", "w"); // answers each write with "no space left"
    try {
      await full.writeFile(parts[1]);
    } finally {
      await full.close();
    }
  }).catch((e) => e);
  expect(error).toMatchObject({ name: "KilnError", kind: "file" });
  expect(error.message).toBe(`${join(folder, name(3))}: cannot be written: the disk is full`);
  expect(readdirSync(folder)).toEqual(before);
  expect((await readNewestCheckpoint(folder, identity))!.checkpoint).toEqual(at(2));
});

test("what a killed run left half written is cleared away, other files are not", async () => {
  const dead = 2 ** 22 - 1; // beyond any process id in use
  const leftover = `.${name(9)}.${dead}.0123abcd.tmp`;
  const running = `.${name(9)}.${process.ppid}.0123abcd.tmp`;
  for (const file of [leftover, running, "notes.txt"]) writeFileSync(join(folder, file), "x");
  await prepareCheckpoints(folder);
  expect(readdirSync(folder).sort()).toEqual([running, "notes.txt"].sort());
  await prepareCheckpoints(join(folder, "new", "folder"));
  await expect(prepareCheckpoints(join(folder, "notes.txt"))).rejects.toThrow("cannot be used for checkpoints");
});
