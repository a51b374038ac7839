/** Data sets small enough to be made in a test. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { onTestFinished } from "vitest";

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kiln-data-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export const cifarNames = "airplane automobile bird cat deer dog frog horse ship truck".split(" ");

/** Byte of a made-up picture: different for every picture, place and channel. */
export const pixel = (picture: number, row: number, column: number, channel: number): number =>
  (picture * 31 + row * 7 + column * 3 + channel * 101) % 256;

/** The files of CIFAR-10's binary version, `records` pictures each; picture i (over the five training files) has the
 * label i % 10 and the pixels of `pixel`; the test file goes on counting. */
export async function writeCifar10(folder: string, records = 4): Promise<void> {
  await mkdir(folder, { recursive: true });
  const files = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`).concat("test_batch.bin");
  for (const [batch, file] of files.entries()) {
    const bytes: number[] = [];
    for (let picture = batch * records; picture < (batch + 1) * records; picture++) {
      bytes.push(picture % 10);
      for (let channel = 0; channel < 3; channel++)
        for (let at = 0; at < 1024; at++) bytes.push(pixel(picture, Math.floor(at / 32), at % 32, channel));
    }
    await writeFile(join(folder, file), Uint8Array.from(bytes));
  }
  await writeFile(join(folder, "batches.meta.txt"), `${cifarNames.join("\n")}\n\n`);
}

export interface PictureOptions {
  readonly channels?: number;
  readonly height?: number;
  readonly width?: number;
  readonly quality?: number;
}

/** Writes a JPEG or PNG (by the path's ending) with the pixels of `pixel(seed, ...)`, and returns them. */
export async function writePicture(path: string, seed: number, options: PictureOptions = {}): Promise<Uint8Array> {
  const { channels = 3, height = 8, width = 8 } = options;
  const bytes = new Uint8Array(height * width * channels);
  for (let i = 0; i < bytes.length; i++) {
    const at = Math.floor(i / channels);
    bytes[i] = pixel(seed, Math.floor(at / width), at % width, i % channels);
  }
  await mkdir(dirname(path), { recursive: true });
  let picture = sharp(bytes, { raw: { width, height, channels: channels as 1 | 3 } });
  if (channels === 1) picture = picture.toColourspace("b-w");
  await (path.endsWith(".png") ? picture.png() : picture.jpeg({ quality: 95 })).toFile(path);
  return bytes;
}

/** An image folder of PNGs: `perClass` pictures a class and split, numbered on through train and then test. */
export async function writeImageFolder(
  folder: string,
  {
    classes = ["cat", "dog"],
    perClass = 3,
    ...options
  }: PictureOptions & { classes?: string[]; perClass?: number } = {},
): Promise<Uint8Array[]> {
  const pictures: Uint8Array[] = [];
  for (const split of ["train", "test"])
    for (const name of classes)
      for (let i = 0; i < perClass; i++)
        pictures.push(await writePicture(join(folder, split, name, `${i}.png`), pictures.length, options));
  return pictures;
}

/** Reads pictures of a source into new arrays. */
export async function readAll(
  source: import("../../runtime/pictures.ts").PictureSource,
  indices: readonly number[] = Array.from({ length: source.count }, (_, i) => i),
): Promise<{ pictures: Uint8Array[]; labels: number[] }> {
  const size = source.height * source.width * source.channels;
  const bytes = new Uint8Array(indices.length * size);
  const labels = new Int32Array(indices.length);
  await source.read(indices, bytes, labels);
  return { pictures: indices.map((_, i) => bytes.slice(i * size, (i + 1) * size)), labels: [...labels] };
}
