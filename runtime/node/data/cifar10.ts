/**
 * CIFAR-10's binary version (https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version"): five training files and
 * one test file of records, each a label byte and 3,072 bytes of pixels (32x32 red, green, blue planes, row-major).
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PictureSource } from "../../pictures.ts";
import { checkFits, checkRead, type DataSet, dataError, isMissing, type ModelInput, reason } from "./dataSet.ts";

export const cifar10Folder = "cifar-10-batches-bin";
export const trainingBatches = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`);
export const testBatch = "test_batch.bin";
export const namesFile = "batches.meta.txt";
export const cifar10Files: readonly string[] = [...trainingBatches, testBatch, namesFile];

const side = 32;
const channels = 3;
const plane = side * side;
const recordBytes = 1 + channels * plane;

/**
 * Opens a folder of CIFAR-10 batch files and checks every label. The pictures stay in memory (184 MB).
 * @throws KilnError of kind "data", naming the file: missing, truncated, a label out of range, not the model's classes
 */
export async function openCifar10(folder: string, model: ModelInput): Promise<DataSet> {
  const classNames = await readNames(join(folder, namesFile));
  checkFits(folder, classNames, channels, model);
  const training: Uint8Array[] = [];
  for (const name of trainingBatches) {
    const file = join(folder, name);
    training.push(await readBatch(file, classNames));
    // The files of one data set are equally long, so one cut off between two records shows here.
    if (training[0].length !== training.at(-1)!.length)
      throw dataError(
        file,
        `holds ${training.at(-1)!.length / recordBytes} pictures, but ${trainingBatches[0]} holds ` +
          `${training[0].length / recordBytes}: one of them is not complete. Unpack the archive again.`,
      );
  }
  const train = new Records(training, classNames);
  const test = new Records([await readBatch(join(folder, testBatch), classNames)], classNames);
  return {
    kind: "cifar10",
    name: "CIFAR-10",
    description: `CIFAR-10, ${train.count} training and ${test.count} test pictures of ${side}x${side} in ${folder}`,
    notice: [],
    train,
    test,
    classNames,
  };
}

async function readNames(file: string): Promise<string[]> {
  const names = (await read(file)).toString("utf8").split(/\r?\n/);
  const named = names.map((name) => name.trim()).filter((name) => name !== "");
  if (named.length === 0) throw dataError(file, "is empty; it should name one class a line");
  return named;
}

async function readBatch(file: string, classNames: readonly string[]): Promise<Uint8Array> {
  const bytes = await read(file);
  if (bytes.length === 0 || bytes.length % recordBytes !== 0)
    throw dataError(
      file,
      `is ${bytes.length} bytes long, which is not a whole number of ${recordBytes}-byte records: ` +
        "it is truncated or no CIFAR-10 batch. Unpack the archive again.",
    );
  for (let at = 0; at < bytes.length; at += recordBytes)
    if (bytes[at] >= classNames.length)
      throw dataError(
        file,
        `record ${at / recordBytes} has the label ${bytes[at]}, but ${namesFile} names ` +
          `${classNames.length} classes (0 to ${classNames.length - 1})`,
      );
  return bytes;
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if (isMissing(error))
      throw dataError(file, `is missing. CIFAR-10's binary version consists of ${cifar10Files.join(", ")}.`, error);
    throw dataError(file, `cannot be read: ${reason(error)}`, error);
  }
}

/** Batch files in memory, as they are on disk; reading turns planes into pixels. */
class Records implements PictureSource {
  readonly count: number;
  readonly classes: number;
  readonly channels = channels;
  readonly height = side;
  readonly width = side;
  readonly #perBatch: number;

  /** @param batches equally long */
  constructor(
    readonly batches: readonly Uint8Array[],
    readonly classNames: readonly string[],
  ) {
    this.#perBatch = batches[0].length / recordBytes;
    this.count = this.#perBatch * batches.length;
    this.classes = classNames.length;
  }

  read(indices: ArrayLike<number>, into: Uint8Array, labels: Int32Array): void {
    checkRead(this, indices, into, labels);
    let to = 0;
    for (let i = 0; i < indices.length; i++) {
      const batch = this.batches[Math.floor(indices[i] / this.#perBatch)];
      const start = (indices[i] % this.#perBatch) * recordBytes;
      labels[i] = batch[start];
      for (let pixel = start + 1; pixel <= start + plane; pixel++) {
        into[to++] = batch[pixel];
        into[to++] = batch[pixel + plane];
        into[to++] = batch[pixel + 2 * plane];
      }
    }
  }
}
