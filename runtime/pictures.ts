import { KilnError } from "./program/error.ts";
import type { Program } from "./program/schema.ts";

/** Labelled pictures of one size, read by index: a data set, or one half of it. */
export interface PictureSource {
  readonly count: number;
  /** Number of classes; labels are 0 to classes - 1. */
  readonly classes: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly classNames?: readonly string[];
  /** Reads the pictures at `indices` into `into`, bytes [n, height, width, channels], and their labels into `labels`. May
   * be called again before an earlier call has resolved. */
  read(indices: ArrayLike<number>, into: Uint8Array, labels: Int32Array): void | Promise<void>;
}

/** Throws KilnError where a source does not fit a program's channels or classes. `what` names it in the message. */
export function requireSource(program: Program, source: PictureSource, what: string): void {
  const { name, classes } = program.model;
  const channels = program.input.shape[1];
  if (classes === null)
    throw new KilnError("data", `${name} has no classes; give \`classes\` in the model file to train it on labels`);
  if (source.classes !== classes)
    throw new KilnError("data", `${what} have ${source.classes} classes, ${name} has ${classes}`);
  if (source.channels !== channels)
    throw new KilnError("data", `${what} have ${source.channels} channels, ${name} takes ${channels}`);
  if (source.count === 0) throw new KilnError("data", `${what}: there are none`);
}

/** A batch in memory, filled again and again. */
export class PictureBatch {
  readonly pictures: Uint8Array;
  readonly labels: Int32Array;

  constructor(
    readonly source: PictureSource,
    readonly size: number,
  ) {
    this.pictures = new Uint8Array(size * source.height * source.width * source.channels);
    this.labels = new Int32Array(size);
  }

  /** Reads the pictures at `indices`; a shorter list is padded by repeating its last. */
  async read(indices: Uint32Array): Promise<this> {
    const all = new Uint32Array(this.size).fill(indices[indices.length - 1]);
    all.set(indices);
    await this.source.read(all, this.pictures, this.labels);
    return this;
  }
}
