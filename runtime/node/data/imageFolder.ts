/**
 * A folder a class of JPEG or PNG files. Every file is decoded once when the data set is opened, so a broken one is
 * found before any training; what fits into memory is kept, and the rest is decoded again when it is read.
 */

import { availableParallelism, totalmem } from "node:os";
import { basename } from "node:path";
import type { PictureSource } from "../../pictures.ts";
import { KilnError } from "../../program/error.ts";
import { checkFits, checkRead, type DataSet, dataError, type ModelInput, type OnProgress, reason } from "./dataSet.ts";
import { decodePicture, type Picture } from "./decode.ts";
import { type Listing, scanImageFolder } from "./scan.ts";

/** Decoded pictures may take this much memory, or a quarter of the machine's where that is less. */
const cacheLimit = Math.min(2 * 2 ** 30, totalmem() / 4);
/** Pictures of one size travel to the device as they are, up to this size; larger ones are resized when decoded. */
const largestPictureBytes = 2 ** 20;
/** Enough for libuv's threads, which run sharp, to be busy while finished pictures are put away. */
const parallelism = Math.max(4, availableParallelism());
/** A message about broken pictures names this many. */
const namedProblems = 8;

interface Size {
  readonly height: number;
  readonly width: number;
}

/**
 * Opens DIR/train/<class>/ and DIR/test/<class>/ and decodes every picture once. Where all have one size they keep it;
 * where sizes differ, or a picture takes more than 1 MiB, all are resized to the model's input when decoded.
 * @throws KilnError of kind "data", naming the files: see scanImageFolder and decodePicture; not the model's classes
 */
export async function openImageFolder(
  folder: string,
  model: ModelInput,
  { onProgress, cacheBytes = cacheLimit }: { onProgress?: OnProgress; cacheBytes?: number } = {},
): Promise<DataSet> {
  const listing = await scanImageFolder(folder);
  checkFits(folder, listing.classNames, model.channels, model);
  const opening = { folder, listing, channels: model.channels, cacheBytes, onProgress };
  // Where the first one is broken, decoding all will say so, with the others.
  const first = await decodePicture(listing.train.files[0], model.channels).catch(() => undefined);
  const keepsSize = first !== undefined && first.bytes.length <= largestPictureBytes;
  const own = keepsSize ? await decodeAll(opening, first, false) : "mixed";
  const [train, test] = own === "mixed" ? await decodeAll(opening, model, true) : own;
  const size = `${train.height}x${train.width}${own === "mixed" ? " (resized)" : ""}`;
  return {
    kind: "folder",
    name: basename(folder),
    description: `${train.count} training and ${test.count} test pictures of ${size}, ${train.classes} classes, in ${folder}`,
    notice: [],
    train,
    test,
    classNames: listing.classNames,
  };
}

interface Opening {
  readonly folder: string;
  readonly listing: Awaited<ReturnType<typeof scanImageFolder>>;
  readonly channels: number;
  readonly cacheBytes: number;
  readonly onProgress?: OnProgress;
}

async function decodeAll(opening: Opening, size: Size, resize: true): Promise<[FolderSource, FolderSource]>;
async function decodeAll(opening: Opening, size: Size, resize: false): Promise<[FolderSource, FolderSource] | "mixed">;
/** Decodes every picture, resized to `size`; or, without `resize`, as long as all of them have that size already. */
async function decodeAll(
  { folder, listing, channels, cacheBytes, onProgress }: Opening,
  size: Size,
  resize: boolean,
): Promise<[FolderSource, FolderSource] | "mixed"> {
  const shape = { ...size, channels, resize, classNames: listing.classNames };
  const train = new FolderSource(listing.train, shape, cacheBytes);
  const test = new FolderSource(listing.test, shape, cacheBytes - train.cachedBytes);
  const total = train.count + test.count;
  const problems: { index: number; message: string }[] = [];
  let done = 0;
  let mixed = false;
  await inParallel(total, async (index) => {
    if (mixed) return;
    const [source, own] = index < train.count ? [train, index] : [test, index - train.count];
    try {
      const picture = await source.decode(own);
      if (picture.height !== size.height || picture.width !== size.width) mixed = true;
      else source.keep(own, picture);
    } catch (error) {
      problems.push({ index, message: reason(error) });
    }
    if (!mixed) onProgress?.({ activity: "Checking pictures", done: ++done, total, unit: "pictures" });
  });
  if (mixed) return "mixed";
  if (problems.length === 1) throw new KilnError("data", problems[0].message);
  if (problems.length > 1) {
    const lines = problems.sort((a, b) => a.index - b.index).map(({ message }) => `\n  ${message}`);
    const more = lines.length > namedProblems ? `\n  and ${lines.length - namedProblems} more` : "";
    throw dataError(
      folder,
      `${lines.length} of ${total} pictures cannot be used:${lines.slice(0, namedProblems).join("")}${more}`,
    );
  }
  return [train, test];
}

/** Runs `work` for 0..count-1, starting in that order, several at once. */
async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: parallelism }, worker));
}

interface Shape extends Size {
  readonly channels: number;
  readonly classNames: readonly string[];
  /** Whether pictures are brought to the size when decoded, or have it. */
  readonly resize: boolean;
}

/** Pictures in files, the first `#kept` of them decoded in memory. */
class FolderSource implements PictureSource {
  readonly count: number;
  readonly classes: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly classNames: readonly string[];
  readonly #pictureBytes: number;
  readonly #kept: number;
  readonly #cache: Uint8Array;
  readonly #resize: boolean;

  constructor(
    readonly listing: Listing,
    shape: Shape,
    cacheBytes: number,
  ) {
    this.count = listing.files.length;
    this.classes = shape.classNames.length;
    this.channels = shape.channels;
    this.height = shape.height;
    this.width = shape.width;
    this.classNames = shape.classNames;
    this.#resize = shape.resize;
    this.#pictureBytes = this.height * this.width * this.channels;
    this.#kept = Math.min(this.count, Math.floor(cacheBytes / this.#pictureBytes));
    this.#cache = new Uint8Array(this.#kept * this.#pictureBytes);
  }

  get cachedBytes(): number {
    return this.#cache.length;
  }

  decode(index: number): Promise<Picture> {
    const file = this.listing.files[index];
    return this.#resize
      ? decodePicture(file, this.channels, this.height, this.width)
      : decodePicture(file, this.channels);
  }

  keep(index: number, { bytes }: Picture): void {
    if (index < this.#kept) this.#cache.set(bytes, index * this.#pictureBytes);
  }

  read(indices: ArrayLike<number>, into: Uint8Array, labels: Int32Array): void | Promise<void> {
    checkRead(this, indices, into, labels);
    const fromFile: number[] = [];
    for (let i = 0; i < indices.length; i++) {
      const start = indices[i] * this.#pictureBytes;
      labels[i] = this.listing.labels[indices[i]];
      if (indices[i] >= this.#kept) fromFile.push(i);
      else into.set(this.#cache.subarray(start, start + this.#pictureBytes), i * this.#pictureBytes);
    }
    if (fromFile.length === 0) return;
    const files = fromFile.map((i) => [i, indices[i]] as const); // the caller may reuse `indices` meanwhile
    return inParallel(files.length, async (next) => {
      const [i, index] = files[next];
      const picture = await this.decode(index);
      if (picture.height !== this.height || picture.width !== this.width)
        throw dataError(
          this.listing.files[index],
          `is ${picture.height}x${picture.width} now, but was ${this.height}x${this.width} when training began`,
        );
      into.set(picture.bytes, i * this.#pictureBytes);
    });
  }
}
