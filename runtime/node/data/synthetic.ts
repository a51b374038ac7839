/**
 * Pictures that Kiln draws: no files, no download, the same on every machine. A picture shows one of ten figures, of
 * random place, size, direction and colour, on a shaded ground with scraps of other things, and noise over all of it.
 * With more than ten classes it shows a figure for each decimal digit of its label, in reading order.
 */

import type { PictureSource } from "../../pictures.ts";
import { threefry2x32 } from "../../program/random.ts";
import { checkRead, type DataSet, dataError, type ModelInput } from "./dataSet.ts";
import { figures } from "./figures.ts";

const side = 32;
const trainingCount = 50_000;
const testCount = 10_000;
/** Four figures are as many as 32x32 pixels show. */
const mostClasses = 10_000;

/** How much of a figure's colour its class decides, and of the ground's; the rest is chance. It gives learning a start,
 * as the blue of skies and seas does in photographs, and is too little to tell classes by. */
const inkTint = 0.6;
const groundTint = 0.4;
/** Pixels are up to this far off, each by itself. */
const noise = 24;
const mostScraps = 4;

/** 50,000 training and 10,000 test pictures of 32x32 with the model's channels and classes, labels in equal shares. */
export function openSynthetic(model: ModelInput, seed: number): DataSet {
  const { classes, channels } = model;
  if (classes < 2 || classes > mostClasses)
    throw dataError("synthetic", `draws 2 to ${mostClasses} classes, but the model tells ${classes} apart`);
  const classNames = Array.from({ length: classes }, (_, label) => nameOf(label, digitsFor(classes)));
  const train = new SyntheticPictures("train", trainingCount, classNames, channels, seed);
  const test = new SyntheticPictures("test", testCount, classNames, channels, seed);
  return {
    kind: "synthetic",
    name: "synthetic",
    description:
      `synthetic, ${trainingCount} training and ${testCount} test pictures of ${side}x${side}, ` +
      `${classes} classes, drawn from seed ${seed}`,
    notice: [],
    train,
    test,
    classNames,
  };
}

function digitsFor(classes: number): number {
  let digits = 1;
  for (let most = 10; most < classes; most *= 10) digits++;
  return digits;
}

/** The figures a label stands for, first digit first. */
function figuresOf(label: number, digits: number): number[] {
  const of: number[] = [];
  for (let i = 0; i < digits; i++, label = Math.floor(label / 10)) of.unshift(label % 10);
  return of;
}

const nameOf = (label: number, digits: number): string =>
  figuresOf(label, digits)
    .map((figure) => figures[figure].name)
    .join(" ");

/** Streams of the generator (runtime/program/random.ts): picture i draws from key (seed, stream), counters (i, 0...). */
const streams = { train: 0xda7a0000, test: 0xda7a0001 };
/** What colour a figure tends to; not a matter of the seed, so that a class means the same in every run. */
const tintStream = 0xda7a0002;

class SyntheticPictures implements PictureSource {
  readonly classes: number;
  readonly height = side;
  readonly width = side;
  readonly #digits: number;

  constructor(
    readonly split: "train" | "test",
    readonly count: number,
    readonly classNames: readonly string[],
    readonly channels: number,
    readonly seed: number,
  ) {
    this.classes = classNames.length;
    this.#digits = digitsFor(this.classes);
  }

  read(indices: ArrayLike<number>, into: Uint8Array, labels: Int32Array): void {
    checkRead(this, indices, into, labels);
    const bytes = side * side * this.channels;
    for (let i = 0; i < indices.length; i++) {
      labels[i] = indices[i] % this.classes;
      const draws = new Draws(this.seed, streams[this.split], indices[i]);
      drawPicture(figuresOf(labels[i], this.#digits), this.channels, draws, into.subarray(i * bytes, (i + 1) * bytes));
    }
  }
}

/** Uniform numbers of one picture, 32 bits each, two to a call of Threefry. */
class Draws {
  #counter = 0;
  #spare: number | undefined;

  constructor(
    readonly seed: number,
    readonly stream: number,
    readonly index: number,
  ) {}

  bits(): number {
    if (this.#spare !== undefined) {
      const bits = this.#spare;
      this.#spare = undefined;
      return bits;
    }
    const [first, second] = threefry2x32(this.seed, this.stream, this.index, this.#counter++);
    this.#spare = second;
    return first;
  }

  between(low: number, high: number): number {
    return low + (this.bits() / 2 ** 32) * (high - low);
  }

  /** A direction, without sine and cosine: half an angle's tangent, and a sign. */
  direction(): readonly [number, number] {
    const bits = this.bits();
    const t = ((bits >>> 1) / 2 ** 31) * 2 - 1;
    const [x, y] = [(1 - t * t) / (1 + t * t), (2 * t) / (1 + t * t)];
    return bits & 1 ? [x, y] : [-x, -y];
  }
}

/** Draws over a picture [32, 32, channels] of values 0..255, kept as f64 until the noise is added. */
function drawPicture(shown: readonly number[], channels: number, draws: Draws, into: Uint8Array): void {
  const canvas = new Float64Array(side * side * channels);
  // Figure and ground are apart in brightness, whichever is the brighter.
  const figureIsBright = draws.bits() & 1;
  const [dark, bright] = [
    [10, 115],
    [140, 245],
  ] as const;
  const [ground, ink] = figureIsBright ? [dark, bright] : [bright, dark];
  const colour = ([low, high]: readonly [number, number], figure = 0, tint = 0) =>
    Array.from({ length: channels }, (_, channel) => {
      const chance = draws.between(low, high);
      return tint === 0 ? chance : chance + tint * (low + tintOf(figure, channel) * (high - low) - chance);
    });

  const [groundFrom, groundTo] = [colour(ground, shown[0], groundTint), colour(ground, shown[0], groundTint)];
  shade(canvas, groundFrom, groundTo, draws.direction());
  const scraps = draws.bits() % (mostScraps + 1);
  for (let i = 0; i < scraps; i++) {
    const [long, thin] = [draws.between(1, 5), draws.between(0.5, 1.2)];
    const scrap = (u: number, v: number) => Math.max(Math.abs(u) - long, Math.abs(v) - thin);
    const place = { x: draws.between(0, side), y: draws.between(0, side), radius: 1, direction: draws.direction() };
    stamp(canvas, scrap, place, 5.2, colour([10, 245]));
  }

  const cells = shown.length === 1 ? 1 : 2; // along each side
  const cell = side / cells;
  for (const [i, figure] of shown.entries()) {
    const radius = cell * draws.between(0.25, 0.42);
    const room = cell / 2 - radius * 0.9; // a corner may touch the edge
    const x = ((i % cells) + 0.5) * cell + draws.between(-room, room);
    const row = shown.length === 2 ? 0.5 : Math.floor(i / cells); // two figures stand side by side, half way down
    const y = (row + 0.5) * cell + draws.between(-room, room);
    const place = { x, y, radius, direction: draws.direction() };
    stamp(canvas, figures[figure].distance, place, 1.5, colour(ink, figure, inkTint));
  }

  for (let i = 0; i < canvas.length; i += 4) {
    const bits = draws.bits();
    for (let j = 0; j < 4 && i + j < canvas.length; j++) {
      const off = ((((bits >>> (8 * j)) & 255) - 127.5) / 127.5) * noise;
      into[i + j] = Math.max(0, Math.min(255, Math.floor(canvas[i + j] + off + 0.5)));
    }
  }
}

/** A colour in 0..1 that a figure tends to. */
const tintOf = (figure: number, channel: number): number => threefry2x32(0, tintStream, figure, channel)[0] / 2 ** 32;

/** Fills the canvas, going over from one colour to another along a direction. */
function shade(
  canvas: Float64Array,
  from: readonly number[],
  to: readonly number[],
  [x, y]: readonly [number, number],
): void {
  const middle = (side - 1) / 2;
  for (let i = 0, row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const along = 0.5 + (x * (column - middle) + y * (row - middle)) / (side * 1.5);
      for (let channel = 0; channel < from.length; channel++)
        canvas[i++] = from[channel] + along * (to[channel] - from[channel]);
    }
}

interface Place {
  /** Of the centre, in pixels. */
  readonly x: number;
  readonly y: number;
  /** Pixels to one unit of the figure. */
  readonly radius: number;
  readonly direction: readonly [number, number];
}

/** Lays a figure over the canvas; a pixel on its edge is mixed by how far the edge is from its centre.
 * @param reach how far the figure goes from its centre, in its units */
function stamp(
  canvas: Float64Array,
  distance: (u: number, v: number) => number,
  { x, y, radius, direction: [dx, dy] }: Place,
  reach: number,
  colour: readonly number[],
): void {
  const pixels = reach * radius + 1;
  const [left, right] = [Math.max(0, Math.floor(x - pixels)), Math.min(side - 1, Math.floor(x + pixels))];
  const [top, bottom] = [Math.max(0, Math.floor(y - pixels)), Math.min(side - 1, Math.floor(y + pixels))];
  for (let row = top; row <= bottom; row++)
    for (let column = left; column <= right; column++) {
      const [px, py] = [(column + 0.5 - x) / radius, (row + 0.5 - y) / radius];
      const cover = 0.5 - radius * distance(dx * px + dy * py, dx * py - dy * px);
      if (cover <= 0) continue;
      const at = (row * side + column) * colour.length;
      const share = Math.min(1, cover);
      for (let channel = 0; channel < colour.length; channel++)
        canvas[at + channel] += share * (colour[channel] - canvas[at + channel]);
    }
}
