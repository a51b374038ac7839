/** The cases of test/reference, compiled for a target and run on a device as `kiln run` runs them. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { assemble, type CompileOptions, compile, formatDiagnostics } from "../../compiler/index.ts";
import { elementCount } from "../../compiler/ir/types.ts";
import type { Device } from "../../runtime/device.ts";
import { parseSafetensors, type StoredTensor, toFloat32, toInt32 } from "../../runtime/program/safetensors.ts";
import type { Artifact, EntryName, Target } from "../../runtime/program/schema.ts";
import { createSession } from "../../runtime/session.ts";
import { readJson, relativeError } from "../ops/support.ts";

export interface ReferenceCase {
  readonly name: string;
  readonly model: string;
  readonly batch: number;
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

export const folder = fileURLToPath(new URL("../reference/", import.meta.url));
export const cases: readonly ReferenceCase[] = readJson(join(folder, "index.json"));

const read = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, "utf8") : undefined);

const load = (file: string): ReadonlyMap<string, StoredTensor> =>
  parseSafetensors(readFileSync(join(folder, file)), file).tensors;

/** A tensor that the case's file has to have. */
const tensorOf = (tensors: ReadonlyMap<string, StoredTensor>, name: string): StoredTensor => {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`the case has no ${name}`);
  return tensor;
};

/** Compiles a model file, every stage verified; throws what is wrong with it. */
export function compileModel(path: string, options: CompileOptions): Artifact {
  const { artifact, diagnostics } = compile({ path, read }, { verify: true, ...options });
  if (!artifact) throw new Error(formatDiagnostics(diagnostics));
  return artifact;
}

const entryOf = (c: ReferenceCase): EntryName => {
  if (c.mode === "infer") return "forward";
  if (c.kind === "steps") return "step";
  return c.target === "labels" ? "gradients" : "gradientsFromCotangent";
};

/** Shape and numbers of all that `kiln run` would write. */
export type Results = Map<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>;

/** Only the entry point that the case needs is compiled: a driver's compiler is what takes the time. */
export async function runCase(
  c: ReferenceCase,
  device: Device,
  target: Target,
  options: Pick<CompileOptions, "chooseTile"> = {},
): Promise<Results> {
  const entry = entryOf(c);
  const { mode, batch, momentum = 0, weightDecay = 0, lr } = c;
  const artifact = compileModel(join(folder, c.model), {
    mode,
    batch,
    target,
    velocity: momentum > 0,
    entries: [entry],
    ...options,
  });
  const weights = c.weights ? load(c.weights) : undefined;
  const session = await createSession(device, await assemble(artifact), { entries: [entry], weights });
  try {
    session.setUniforms({ weightDecay, ...(momentum > 0 ? { momentum } : {}), ...(lr === undefined ? {} : { lr }) });
    const given = load(c.inputs);
    session.writeInput(entry, "input", toFloat32(tensorOf(given, "input"), "input"));
    if (c.target === "labels") session.writeLabels(toInt32(tensorOf(given, "labels"), "labels"));
    if (c.target === "cotangent")
      session.writeInput(entry, "cotangent", toFloat32(tensorOf(given, "cotangent"), "cotangent"));
    const results: Results = new Map();
    if (c.kind === "steps") {
      const losses: number[] = [];
      for (let step = 1; step <= c.steps!; step++) losses.push(await (await session.submitStep({ step })).loss);
      results.set("losses", { shape: [losses.length], data: losses });
    } else {
      await session.run(entry);
      for (const name of Object.keys(artifact.program.entries[entry]!.outputs))
        results.set(name, { shape: session.outputShape(entry, name), data: await session.readOutput(entry, name) });
    }
    const shapes = new Map(artifact.program.state.map((s) => [s.name, s.shape]));
    for (const [name, data] of await session.readStates())
      results.set(`param.${name}`, { shape: shapes.get(name)!, data });
    return results;
  } finally {
    session.destroy();
  }
}

/** Every tensor that the case expects is there, of its shape, and near enough. */
export function expectCase(c: ReferenceCase, results: Results, tolerance = c.tolerance): void {
  const expected = load(c.expect);
  expect(expected.size).toBeGreaterThan(0);
  for (const [name, tensor] of expected) {
    const actual = results.get(name);
    expect(actual, `${name} is missing`).toBeDefined();
    const scalar = elementCount(tensor.shape) === 1 && name === "loss";
    if (!scalar) expect(actual!.shape, name).toEqual(tensor.shape);
    expect(relativeError(actual!.data, toFloat32(tensor, name)), name).toBeLessThanOrEqual(tolerance);
  }
}
