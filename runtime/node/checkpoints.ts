import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { KilnError } from "../program/error.ts";
import { f32, parseSafetensors, type Safetensors, safetensorsParts, toFloat32 } from "../program/safetensors.ts";
import type { Program } from "../program/schema.ts";
import type { Checkpoint, Progress } from "../trainer.ts";
import type { Weights } from "../weights.ts";
import { fileError, removeLeftovers, type WriteParts, writeFileAtomically } from "./files.ts";

const format = "kiln checkpoint 1";
const fileOf = (step: number) => `step-${String(step).padStart(9, "0")}.safetensors`;
const filePattern = /^step-(\d{9,})\.safetensors$/;

/** How many checkpoints a folder keeps. */
const kept = 2;

export interface CheckpointIdentity {
  readonly program: Program;
  /** `artifactHash(artifact)`. */
  readonly artifactHash: string;
}

/**
 * Writes `step-NNNNNNNNN.safetensors` into a folder, atomically, then removes all but the newest two. The file holds the
 * state by name and as metadata how far training has come. Throws KilnError of kind "file" (a full disk, ...); the
 * checkpoints that were there are then as they were. Returns the file's path.
 */
export async function writeCheckpoint(
  folder: string,
  { program, artifactHash }: CheckpointIdentity,
  checkpoint: Checkpoint,
  write?: WriteParts,
): Promise<string> {
  const { progress, state } = checkpoint;
  const tensors = program.state.map(({ name, shape }) => [name, f32(shape, state.get(name)!)] as const);
  const velocities = program.state.filter((s) => s.role === "velocity").map((s) => s.name);
  const parts = safetensorsParts(tensors, {
    format,
    model: program.model.name,
    modelHash: program.model.hash,
    artifactHash,
    velocities: JSON.stringify(velocities),
    progress: JSON.stringify(progress),
    generator: "threefry2x32-20, keyed by seed and step",
  });
  const path = join(folder, fileOf(progress.step));
  await writeFileAtomically(path, parts, write);
  for (const { path: old } of (await listCheckpoints(folder)).slice(kept)) await rm(old, { force: true });
  return path;
}

/** The checkpoints of a folder, newest first; none where there is no such folder. */
export async function listCheckpoints(folder: string): Promise<{ path: string; step: number }[]> {
  const names = await readdir(folder).catch((error) => {
    if (error.code === "ENOENT") return [];
    throw fileError(folder, "cannot be read", error);
  });
  return names
    .flatMap((name) => {
      const step = filePattern.exec(name)?.[1];
      return step === undefined ? [] : [{ path: join(folder, name), step: Number(step) }];
    })
    .sort((a, b) => b.step - a.step);
}

/** Makes a checkpoint folder ready to write into: creates it, and removes what a killed run left half written. */
export async function prepareCheckpoints(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await removeLeftovers(folder);
  } catch (error) {
    throw fileError(folder, "cannot be used for checkpoints", error);
  }
}

async function readTensors(path: string): Promise<Safetensors> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw fileError(path, "cannot be read", cause);
  }
  return parseSafetensors(bytes, path);
}

/**
 * Reads a checkpoint to go on from. Throws KilnError where the file is truncated or no checkpoint, or of another model,
 * another artifact (its bits would differ) or other shapes; the file is left alone.
 */
export async function readCheckpoint(path: string, identity: CheckpointIdentity): Promise<Checkpoint> {
  return checkpointOf(path, await readTensors(path), identity);
}

function checkpointOf(
  path: string,
  { tensors, metadata }: Safetensors,
  { program, artifactHash }: CheckpointIdentity,
): Checkpoint {
  const fail = (message: string): never => {
    throw new KilnError("file", `${path}: ${message}`);
  };
  if (metadata.get("format") !== format)
    fail(`no checkpoint that this Kiln reads (format "${metadata.get("format") ?? "none"}", expected "${format}")`);
  if (metadata.get("modelHash") !== program.model.hash)
    fail(`a checkpoint of another model: of ${metadata.get("model")}, not of this ${program.model.name}`);
  if (metadata.get("artifactHash") !== artifactHash)
    fail(`written with another compilation of ${program.model.name}; resume with the artifact that its folder keeps`);
  const state = new Map<string, Float32Array>();
  for (const { name, shape } of program.state) {
    const tensor = tensors.get(name);
    if (!tensor) return fail(`${name} is missing`);
    if (tensor.shape.join() !== shape.join())
      fail(`${name} is [${tensor.shape.join(", ")}]; [${shape.join(", ")}] expected`);
    state.set(name, toFloat32(tensor, `${path}: ${name}`));
  }
  return { progress: parseProgress(metadata.get("progress"), fail), state };
}

function parseProgress(text: string | undefined, fail: (message: string) => never): Progress {
  let progress: Partial<Progress> | null = null;
  try {
    progress = JSON.parse(text ?? "null");
  } catch {
    // told below
  }
  const { seed, step, epoch, evaluatedStep, movingLoss } = progress ?? {};
  const whole = [seed, step, epoch, evaluatedStep].every((n) => Number.isSafeInteger(n) && n! >= 0);
  if (!whole || !(movingLoss === null || typeof movingLoss === "number"))
    fail(`its metadata do not say how far training had come: progress is ${text ?? "missing"}`);
  return progress as Progress;
}

/**
 * The newest checkpoint of a folder that can be read, and what was wrong with newer ones; null where there is none. A
 * checkpoint of another model or artifact is an error, not something to pass over.
 */
export async function readNewestCheckpoint(
  folder: string,
  identity: CheckpointIdentity,
): Promise<{ path: string; checkpoint: Checkpoint; skipped: string[] } | null> {
  const skipped: string[] = [];
  const found = await listCheckpoints(folder);
  for (const { path } of found) {
    let file: Safetensors;
    try {
      file = await readTensors(path);
    } catch (error) {
      if (!(error instanceof KilnError)) throw error;
      skipped.push(error.message);
      continue;
    }
    return { path, checkpoint: checkpointOf(path, file, identity), skipped };
  }
  if (found.length > 0)
    throw new KilnError("file", `${folder}: no checkpoint in it can be read:\n${skipped.join("\n")}`);
  return null;
}

/**
 * Weights for a model from a weights file, a checkpoint, or a checkpoint folder (its newest that can be read); a
 * checkpoint's velocities are left out. Throws KilnError of kind "file".
 */
export async function readWeights(path: string): Promise<Weights> {
  const found = await stat(path).catch((cause) => {
    throw fileError(path, "the weights cannot be read", cause);
  });
  if (!found.isDirectory()) return weightsOf(await readTensors(path));
  const problems: string[] = [];
  for (const { path: file } of await listCheckpoints(path)) {
    try {
      return weightsOf(await readTensors(file));
    } catch (error) {
      if (!(error instanceof KilnError)) throw error;
      problems.push(error.message);
    }
  }
  throw new KilnError("file", [`${path}: no checkpoint in it that can be read`, ...problems].join("\n"));
}

function weightsOf({ tensors, metadata }: Safetensors): Weights {
  const weights = new Map(tensors);
  if (metadata.get("format") === format)
    for (const name of JSON.parse(metadata.get("velocities") ?? "[]") as string[]) weights.delete(name);
  return weights;
}
