/** Goldens of a model: made, compared with a folder, written there. What `kiln golden` and the vitest matcher share. */
import { dirname } from "node:path";
import { version } from "../../package.json";
import type { OpenedDevice } from "../../runtime/node/device.ts";
import { KilnError } from "../../runtime/program/error.ts";
import type { EntryName } from "../../runtime/program/schema.ts";
import { UsageError } from "../errors.ts";
import { type OpenedModel, openModel } from "../model.ts";
import { describedTarget } from "../targets.ts";
import { tunedTarget } from "../tune/tuned.ts";
import { readGolden, readGoldenText, readManifest, type Written, writeGoldens } from "./folder.ts";
import { compareNumbers, type KeptNumbers, keepNumbers } from "./keptNumbers.ts";
import { type Manifest, numbersFile, type Tolerance } from "./manifest.ts";
import { openNumbers } from "./numbers.ts";
import type { Difference } from "./report.ts";
import {
  agree,
  type GivenSettings,
  type GoldenSettings,
  settingsToWrite,
  storedTarget,
  targetOption,
} from "./settings.ts";
import { goldenTexts } from "./texts.ts";
import { steadyNumbers, usualTolerance } from "./tolerances.ts";

export interface GoldenRequest {
  /** The model file, or a graph as text IR. */
  readonly path: string;
  readonly dir: string;
  /** `target` as an option has it. */
  readonly given: GivenSettings;
  /** What numbers are computed on; asked for where there are any. */
  readonly open: () => Promise<OpenedDevice>;
  /** File of tuning records for it; false: none. */
  readonly cache?: string | false;
}

export interface Checked {
  /** Empty where all is as it was. */
  readonly differences: readonly Difference[];
  readonly files: number;
  readonly tensors: number;
}

export interface Updated extends Written {
  readonly manifest: Manifest;
}

/** Compares what is made of the model with its goldens. Null where the folder holds none; throws KilnError where it holds
 * others than are asked for. */
export async function checkGolden(request: GoldenRequest): Promise<Checked | null> {
  const { dir } = request;
  const manifest = await readManifest(dir);
  if (!manifest) return null;
  const { settings, files } = manifest;
  agree(dir, await givenFor(request), settings);
  const model = await open(request, settings);
  if (model.name !== manifest.model)
    throw new KilnError(
      "usage",
      `${dir} holds goldens of ${manifest.model}, not of ${model.name}; name another folder`,
    );
  const texts = await textsOf(request, model, settings);
  const differences: Difference[] = [];
  for (const [file, after] of Object.entries(texts)) {
    const before = files.includes(file) ? await readGoldenText(dir, file) : null;
    if (before === null) differences.push({ kind: files.includes(file) ? "missing" : "new", file });
    else if (before !== after) differences.push({ kind: "text", file, before, after });
  }
  for (const file of files) if (!(file in texts) && file !== numbersFile) differences.push({ kind: "more", file });
  if (settings.numbers) differences.push(...(await numberDifferences(request, model, manifest)));
  return { differences, files: files.length, tensors: Object.keys(manifest.tensors).length };
}

/** Makes the goldens and writes them: with the settings given, those that the folder has, and the usual ones. */
export async function updateGolden(request: GoldenRequest): Promise<Updated> {
  const { dir } = request;
  const old = await readManifest(dir);
  const settings = settingsToWrite(await givenFor(request), old?.settings ?? null);
  const model = await open(request, settings);
  const texts = await textsOf(request, model, settings);
  const tolerance = old?.tolerance ?? usualTolerance;
  const numbers = settings.numbers ? await numbersToWrite(request, model, settings, tolerance, old) : null;
  const files = { ...texts, ...(numbers && { [numbersFile]: numbers.file }) };
  const manifest: Manifest = {
    kiln: version,
    model: model.name,
    settings: { ...settings, seed: numbers?.seed ?? settings.seed },
    tolerance,
    tensors: numbers?.tensors ?? {},
    files: Object.keys(files),
  };
  return { ...(await writeGoldens(dir, files, manifest, old)), manifest };
}

/** Those that the folder has, as long as they hold: on another adapter their last bits are others, and no change. */
async function numbersToWrite(
  request: GoldenRequest,
  model: OpenedModel,
  settings: GoldenSettings,
  tolerance: Tolerance,
  old: Manifest | null,
): Promise<KeptNumbers & { readonly seed: number }> {
  const { dir, given } = request;
  const { run } = await runOf(request, model, settings);
  try {
    const file = old && settings.seed === old.settings.seed ? await readGolden(dir, numbersFile) : null;
    if (old && file && holds(file, `${dir}/${numbersFile}`, old, await run.compute(settings.seed)))
      return { file, tensors: old.tensors, seed: settings.seed };
    const { seed, numbers, relative } = await steadyNumbers(run, settings.seed, tolerance, given.seed !== undefined);
    for (const [name, { values }] of numbers)
      if (!values.every(Number.isFinite))
        throw new KilnError(
          "diverged",
          `${model.name}: ${name} is not finite with seed ${seed}: no golden can be kept`,
        );
    return { ...keepNumbers(numbers, relative), seed };
  } finally {
    run.close();
  }
}

const holds = (...given: Parameters<typeof compareNumbers>): boolean => compareNumbers(...given).length === 0;

const isText = (path: string): boolean => path.endsWith(".kir");

/** What is given as golden.json has it; text says its batch and mode itself. */
async function givenFor({ path, dir, given }: GoldenRequest): Promise<GivenSettings> {
  const { batch, mode } = isText(path) ? await openModel(path, { batch: given.batch, mode: given.mode }) : given;
  return { ...given, batch, mode, target: storedTarget(given.target, dir) };
}

async function open({ path }: GoldenRequest, { batch, mode, set, algorithm }: GoldenSettings): Promise<OpenedModel> {
  const model = await openModel(path, { batch, mode, set: Object.keys(set).length > 0 ? set : undefined, algorithm });
  if (model.stored || model.stage)
    throw new UsageError(
      `${path} is what was made of a model${model.stage ? `, at the stage ${model.stage}` : ""}; goldens are of a model ` +
        "file, or of a graph as text",
    );
  return model;
}

/** Compiles for the described target. Places in texts are named from the model file's folder: then they are the same
 * wherever the file lies, and from wherever it is compiled; those in a text stay as they are. */
async function textsOf(
  { path, dir }: GoldenRequest,
  model: OpenedModel,
  settings: GoldenSettings,
): Promise<Record<string, string>> {
  const main =
    model.mode === "infer" ? "forward" : model.classes === null ? "gradientsFromCotangent" : ("step" as const);
  const entries: EntryName[] = [main, ...settings.entries.filter((entry) => entry !== main)];
  const { model: compiled, artifact } = await model.compile({
    target: await describedTarget(targetOption(settings.target, dir)),
    entries,
    velocity: settings.momentum,
    placesFrom: isText(path) ? undefined : dirname(path),
  });
  const lacking = entries.find((entry) => !compiled!.entries[entry]);
  if (lacking) throw new UsageError(`${model.name} has no entry point ${lacking} in ${model.mode} mode`);
  return goldenTexts(compiled!, artifact, settings);
}

/** The model on the adapter in hand, compiled for it as `kiln run` does. */
async function runOf({ open, cache }: GoldenRequest, model: OpenedModel, { algorithm }: GoldenSettings) {
  const opened = await open();
  const tuned = await tunedTarget({ cache, algorithm }, "adapter", async () => opened);
  const run = await openNumbers(model, opened, tuned);
  tuned.report();
  return { run, adapter: opened.adapter.name };
}

async function numberDifferences(
  request: GoldenRequest,
  model: OpenedModel,
  manifest: Manifest,
): Promise<Difference[]> {
  const bytes = await readGolden(request.dir, numbersFile);
  if (!bytes) return [{ kind: "missing", file: numbersFile }];
  const { run, adapter } = await runOf(request, model, manifest.settings);
  try {
    const numbers = await run.compute(manifest.settings.seed);
    const tensors = compareNumbers(bytes, `${request.dir}/${numbersFile}`, manifest, numbers);
    return tensors.length > 0 ? [{ kind: "numbers", file: numbersFile, adapter, tensors, of: numbers.size }] : [];
  } finally {
    run.close();
  }
}
