import type { PictureSource } from "../../pictures.ts";
import { KilnError } from "../../program/error.ts";

/** What a data set must fit: the model's input and output. */
export interface ModelInput {
  readonly classes: number;
  readonly channels: number;
  /** Of the model's input, in pixels. Pictures of another size fit too: they are resized. */
  readonly height: number;
  readonly width: number;
}

/** How far opening has come: for a progress bar. */
export interface DataProgress {
  /** "Downloading CIFAR-10", "Checking pictures", ... */
  readonly activity: string;
  readonly done: number;
  readonly total: number;
  readonly unit: "bytes" | "pictures";
}

export type OnProgress = (progress: DataProgress) => void;

/** Pictures to train on and pictures to test on. */
export interface DataSet {
  readonly kind: "cifar10" | "folder" | "synthetic";
  readonly name: string;
  /** One line for people: what it is, how much of it, where it lies. */
  readonly description: string;
  /** Lines that a person should see before training: what was looked for, what was found, what is used instead. */
  readonly notice: readonly string[];
  readonly train: PictureSource;
  readonly test: PictureSource;
  /** In the order of the labels. */
  readonly classNames: readonly string[];
}

/** An error of kind "data". `where` is a file, a folder or an option. */
export function dataError(where: string, what: string, cause?: unknown): KilnError {
  return new KilnError("data", `${where}: ${what}`, { cause });
}

/** The operating system's reason in words, for the end of a message. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof KilnError) return error.message; // complete as it stands
  const message = error.message.trim();
  const cause = error.cause instanceof Error ? error.cause.message.trim() : "";
  return message.includes(cause) ? message : `${message} (${cause})`;
}

/** Whether the file system says that there is no such file or folder. */
export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Refuses data whose classes or channels are not the model's. */
export function checkFits(where: string, classNames: readonly string[], channels: number, model: ModelInput): void {
  if (classNames.length !== model.classes)
    throw dataError(
      where,
      `holds ${classNames.length} classes (${some(classNames)}), but the model tells ${model.classes} apart. ` +
        `Give it other data, or set the model's \`classes\` and its last layer's units to ${classNames.length}.`,
    );
  if (channels !== model.channels)
    throw dataError(
      where,
      `holds ${colours(channels)} pictures, but the model takes ${colours(model.channels)} ones. ` +
        `Give it other data, or declare the model's input as image(${channels}, ${model.height}, ${model.width}).`,
    );
}

/** "grey (1 channel)" */
export function colours(channels: number): string {
  if (channels === 1) return "grey (1 channel)";
  return channels === 3 ? "colour (3 channels)" : `${channels}-channel`;
}

/** The first few names of a list. */
export function some(names: readonly string[], few = 5): string {
  return names.length <= few ? names.join(", ") : `${names.slice(0, few - 1).join(", ")}, ... ${names.at(-1)}`;
}

/** Checks the arguments of PictureSource.read against the source's shape. */
export function checkRead(
  source: Pick<PictureSource, "count" | "channels" | "height" | "width">,
  indices: ArrayLike<number>,
  into: Uint8Array,
  labels: Int32Array,
): void {
  const bytes = indices.length * source.height * source.width * source.channels;
  if (into.length < bytes || labels.length < indices.length)
    throw new KilnError(
      "usage",
      `read: ${indices.length} pictures need ${bytes} bytes and ${indices.length} labels, ` +
        `but there is room for ${into.length} bytes and ${labels.length} labels`,
    );
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i];
    if (!Number.isInteger(index) || index < 0 || index >= source.count)
      throw new KilnError("usage", `read: there is no picture ${index}; they are numbered 0 to ${source.count - 1}`);
  }
}
