/** `--data auto`: CIFAR-10 if it can be had, else synthetic pictures, and always said which and why. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { KilnError } from "../../program/error.ts";
import { cacheFolder } from "../cacheFolder.ts";
import { cifar10Folder, openCifar10 } from "./cifar10.ts";
import { colours, type DataSet, isMissing, type ModelInput, type OnProgress, reason } from "./dataSet.ts";
import { type Archive, cifar10Archive, downloadCifar10 } from "./download.ts";
import { openFolder } from "./folder.ts";
import { openSynthetic } from "./synthetic.ts";

export interface AutoOptions {
  readonly seed: number;
  readonly onProgress?: OnProgress;
  /** A folder that holds CIFAR-10; before the environment variable KILN_CIFAR10. */
  readonly cifar10?: string;
  /** KILN_CIFAR10, XDG_CACHE_HOME; the process's where not given. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** What to download; the official archive where not given. */
  readonly archive?: Archive;
}

/**
 * Opens the first of: the folder given, $KILN_CIFAR10, the cache folder, a download into the cache folder, synthetic
 * pictures. `notice` of the result tells a person what happened.
 * @throws KilnError of kind "data" where a copy is found, or was named, that is not in order
 */
export async function openAuto(model: ModelInput, options: AutoOptions): Promise<DataSet> {
  const { environment = process.env, archive = cifar10Archive, onProgress } = options;
  if (model.channels !== 3 || model.classes !== 10)
    return synthetic(model, options, [
      `CIFAR-10 does not fit this model: it holds 10 classes of colour (3 channels) pictures, and the model tells ` +
        `${model.classes} apart in ${colours(model.channels)} ones.`,
    ]);
  for (const [folder, how] of [
    [options.cifar10, "named by the option"],
    [environment.KILN_CIFAR10, "named by KILN_CIFAR10"],
  ])
    if (folder) return withNotice(await openFolder(folder, model, { onProgress }), [`Data: ${folder}, ${how}.`]);

  const cached = join(cacheFolder(environment), cifar10Folder);
  if (await exists(cached)) return withNotice(await openCached(cached, model), [`Data: CIFAR-10, found in ${cached}.`]);
  try {
    await downloadCifar10(cached, { archive, onProgress });
  } catch (error) {
    return synthetic(model, options, [
      `CIFAR-10 was not found (KILN_CIFAR10 is not set, ${cached} does not exist) and could not be downloaded from`,
      `${archive.url}: ${reason(error)}.`,
      `To use it, download that file elsewhere, unpack it, and name its folder: --data DIR or KILN_CIFAR10=DIR.`,
    ]);
  }
  return withNotice(await openCached(cached, model), [`Data: CIFAR-10, downloaded to ${cached}.`]);
}

/** Kiln's own copy: what is wrong with it, a new download mends. */
async function openCached(folder: string, model: ModelInput): Promise<DataSet> {
  try {
    return await openCifar10(folder, model);
  } catch (error) {
    throw new KilnError("data", `${reason(error)} Remove ${folder} to have CIFAR-10 downloaded again.`, {
      cause: error,
    });
  }
}

function synthetic(model: ModelInput, { seed }: AutoOptions, why: readonly string[]): DataSet {
  const data = openSynthetic(model, seed);
  return withNotice(data, [
    ...why,
    `Data: synthetic pictures instead, drawn by Kiln (${data.classNames.length} classes: ${data.classNames.slice(0, 3).join(", ")}, ...); ` +
      "their accuracies cannot be compared with CIFAR-10's.",
  ]);
}

const withNotice = (data: DataSet, notice: readonly string[]): DataSet => ({ ...data, notice });

async function exists(folder: string): Promise<boolean> {
  try {
    await readdir(folder);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
