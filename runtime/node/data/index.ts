/** Data sets for training and evaluation, and single pictures for prediction. */

import { type AutoOptions, openAuto } from "./auto.ts";
import type { DataSet, ModelInput } from "./dataSet.ts";
import { openFolder } from "./folder.ts";
import { openSynthetic } from "./synthetic.ts";

export { cacheFolder } from "../cacheFolder.ts";
export type { DataProgress, DataSet, ModelInput, OnProgress } from "./dataSet.ts";
export { decodePicture, type Picture } from "./decode.ts";

export interface OpenDataOptions extends ModelInput, AutoOptions {
  /** Memory for decoded pictures of an image folder, in bytes; 2 GiB, or a quarter of the machine's if that is less. */
  readonly cacheBytes?: number;
}

/**
 * Opens the data that `spec` names, checked in full: what training reads later is in order.
 * @param spec `auto` (CIFAR-10 found or downloaded, else synthetic), `synthetic`, or a folder
 * @returns training and test pictures, and `notice`, lines that a person should see
 * @throws KilnError of kind "data" that names the file: missing, truncated, broken, or not what the model takes
 */
export async function openData(spec: string, options: OpenDataOptions): Promise<DataSet> {
  if (spec === "auto") return openAuto(options, options);
  if (spec === "synthetic") return openSynthetic(options, options.seed);
  return openFolder(spec, options, options);
}
