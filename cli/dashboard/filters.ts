/** What the first convolution has learned to look for, as pictures. */
import type { Filters } from "../../pages/training/state.ts";

/** Filters [count, height, width, channels] as bytes, each from its least value, 0, to its greatest, 255. */
export interface FilterPictures {
  readonly name: string;
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly bytes: Uint8Array;
}

interface Shaped {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Weights of a convolution of grey or colour pictures: [filters, 1 or 3, height, width]. */
export const isFilters = ({ shape }: Shaped): boolean => shape.length === 4 && (shape[1] === 1 || shape[1] === 3);

/** The weights of the first layer that has any, where they can be shown; null otherwise. Biases and statistics are of rank 1. */
export function firstLayerFilters<T extends Shaped>(parameters: Iterable<T>): T | null {
  for (const parameter of parameters) if (parameter.shape.length > 1) return isFilters(parameter) ? parameter : null;
  return null;
}

/** Weights [count, channels, height, width], row-major, as pictures. A filter of one value all over is grey. */
export function filterPictures({ name, shape }: Shaped, values: ArrayLike<number>): FilterPictures {
  const [count, channels, height, width] = shape;
  const size = channels * height * width;
  const bytes = new Uint8Array(count * size);
  for (let f = 0; f < count; f++) {
    let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = f * size; i < (f + 1) * size; i++) {
      least = Math.min(least, values[i]);
      greatest = Math.max(greatest, values[i]);
    }
    const range = greatest - least;
    for (let c = 0; c < channels; c++)
      for (let at = 0; at < height * width; at++) {
        const value = values[f * size + c * height * width + at];
        bytes[f * size + at * channels + c] = range > 0 ? Math.round((255 * (value - least)) / range) : 127;
      }
  }
  return { name, count, channels, height, width, bytes };
}

/** As the page has them; `when` says where the weights were. */
export const filtersForPage = ({ bytes, ...pictures }: FilterPictures, when: string): Filters => ({
  ...pictures,
  when,
  bytes: Buffer.from(bytes).toString("base64"),
});

/** Pixels of a filter's width in a PNG, about. */
const shownWidth = 44;
/** Pixels between two filters, and around them all. */
const gap = 4;

/** The filters side by side on white, enlarged without smoothing, as a PNG file; half as many again in a row as in a column. */
export async function filtersPng({ count, channels, height, width, bytes }: FilterPictures): Promise<Uint8Array> {
  const scale = Math.max(1, Math.round(shownWidth / width));
  const columns = Math.min(count, Math.ceil(Math.sqrt(count * 1.5)));
  const rows = Math.ceil(count / columns);
  const [across, down] = [columns * (width * scale + gap) + gap, rows * (height * scale + gap) + gap];
  const pixels = new Uint8Array(across * down * channels).fill(255);
  for (let f = 0; f < count; f++) {
    const left = gap + (f % columns) * (width * scale + gap);
    const top = gap + Math.floor(f / columns) * (height * scale + gap);
    for (let y = 0; y < height * scale; y++)
      for (let x = 0; x < width * scale; x++) {
        const from = (f * height * width + Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
        pixels.set(bytes.subarray(from, from + channels), ((top + y) * across + left + x) * channels);
      }
  }
  const { default: sharp } = await import("sharp"); // not before: it is large
  return sharp(pixels, { raw: { width: across, height: down, channels: channels as 1 | 3 } })
    .png()
    .toBuffer();
}
