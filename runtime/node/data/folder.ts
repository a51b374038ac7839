/** A folder that someone named as data: which of the known layouts it has. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { cifar10Folder, openCifar10, testBatch, trainingBatches } from "./cifar10.ts";
import { type DataSet, dataError, isMissing, type ModelInput, type OnProgress, reason } from "./dataSet.ts";
import { openImageFolder } from "./imageFolder.ts";

/**
 * Opens CIFAR-10's batch files (in the folder or in its `cifar-10-batches-bin`), or an image folder (train/ and test/
 * with a folder a class).
 * @throws KilnError of kind "data": none of these, or not in order
 */
export async function openFolder(
  folder: string,
  model: ModelInput,
  options: { onProgress?: OnProgress; cacheBytes?: number } = {},
): Promise<DataSet> {
  const names = await list(folder);
  if (names.some((name) => name === testBatch || trainingBatches.includes(name))) return openCifar10(folder, model);
  if (names.includes(cifar10Folder)) return openCifar10(join(folder, cifar10Folder), model);
  if (names.includes("train") || names.includes("test")) return openImageFolder(folder, model, options);
  const python = names.some((name) => name === "cifar-10-batches-py" || name === "data_batch_1");
  throw dataError(
    folder,
    `holds no data set that Kiln knows. Looked for ${trainingBatches[0]} to ${trainingBatches.at(-1)} and ${testBatch}, ` +
      `for ${cifar10Folder}/ with these files, and for train/ and test/ with a folder of JPEG or PNG pictures a class.` +
      (python ? " This is CIFAR-10's Python version; its binary version is needed (cifar-10-binary.tar.gz)." : ""),
  );
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") throw dataError(folder, "is a file, not a folder", error);
    if (isMissing(error))
      throw dataError(folder, "there is no such folder. Data is `auto`, `synthetic` or a folder's path.", error);
    throw dataError(folder, `cannot be read: ${reason(error)}`, error);
  }
}
