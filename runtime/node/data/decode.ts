/** JPEG and PNG files to bytes, by sharp (libvips). */

import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { colours, dataError, isMissing, reason } from "./dataSet.ts";
import { enlarge } from "./enlarge.ts";

// One thread a picture and many pictures at once; and a file may change between two calls, so nothing is remembered.
sharp.concurrency(1);
sharp.cache(false);

/** Bytes [height, width, channels], values 0..255. */
export interface Picture {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly bytes: Uint8Array;
}

/**
 * Decodes a JPEG or PNG file: turned as its EXIF orientation says, in sRGB or grey, without its alpha channel.
 * Where height and width are given it is resized to them (bilinear, half-pixel centres, averaging when it shrinks; the
 * aspect ratio may change), otherwise it keeps its size.
 * @throws KilnError of kind "data", naming the file: missing, broken, neither JPEG nor PNG, grey where colour is
 * wanted or the other way round
 */
export async function decodePicture(path: string, channels: number, height?: number, width?: number): Promise<Picture> {
  if (channels !== 1 && channels !== 3)
    throw dataError(path, `a picture has 1 channel (grey) or 3 (colour), but the model takes ${channels}`);
  const file = await readPicture(path);
  const stored = storedChannels(file);
  if (stored === undefined) throw dataError(path, "is neither a JPEG nor a PNG picture");
  if (stored !== channels)
    throw dataError(path, `is a ${colours(stored)} picture, but the model takes ${colours(channels)} ones`);
  try {
    let picture = sharp(file, { failOn: "warning" }).autoOrient().removeAlpha();
    if (height !== undefined && width !== undefined)
      picture = picture.resize({ height, width, fit: "fill", kernel: "linear", withoutEnlargement: true });
    if (channels === 1) picture = picture.toColourspace("b-w");
    const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
    if (info.channels !== channels) throw new Error(`it decodes to ${info.channels} channels instead of ${channels}`);
    const decoded = { height: info.height, width: info.width, channels, bytes: data };
    return height !== undefined && width !== undefined ? enlarge(decoded, height, width) : decoded;
  } catch (error) {
    throw dataError(path, `is broken: ${whatIsBroken(error)}`, error);
  }
}

async function readPicture(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw dataError(path, isMissing(error) ? "there is no such file" : `cannot be read: ${reason(error)}`, error);
  }
}

const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * Whether a file's header declares grey (1) or colour (3; CMYK too), alpha not counted; undefined for other formats.
 * (sharp's `metadata` knows too, at half the price of decoding a small picture.) A header that ends early counts as
 * colour: decoding will say what is wrong with it.
 */
export function storedChannels(file: Buffer): 1 | 3 | undefined {
  if (file.subarray(0, 8).equals(pngSignature)) {
    const colourType = file[25]; // in IHDR, always the first chunk: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA
    return colourType === 0 || colourType === 4 ? 1 : 3;
  }
  if (file[0] !== 0xff || file[1] !== 0xd8) return undefined;
  // ITU T.81, Annex B: segments of a marker and a length; a start of frame (C0 to CF but for C4, C8 and CC) holds
  // precision, height, width and the number of components.
  for (let at = 2; at + 9 < file.length; ) {
    const marker = file[at + 1];
    if (marker === 0xff) {
      at++; // fill byte
      continue;
    }
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc)
      return file[at + 9] === 1 ? 1 : 3;
    at += 2 + file.readUInt16BE(at + 2);
  }
  return 3;
}

/** libvips's reason in one line; for a file that decodes with warnings sharp gives none. */
function whatIsBroken(error: unknown): string {
  const line = reason(error).split("\n")[0];
  return line.includes("failOn") ? "its data is damaged or ends too early" : line;
}
