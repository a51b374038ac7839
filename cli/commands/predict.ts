import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Command } from "commander";
import { argmax, softmax } from "../../runtime/metrics.ts";
import { isArtifact, readArtifact } from "../../runtime/node/artifacts.ts";
import type { Picture } from "../../runtime/node/data/index.ts";
import { KilnError } from "../../runtime/program/error.ts";
import type { Session } from "../../runtime/session.ts";
import { weightsFor } from "../device.ts";
import { openForward } from "../forward.ts";
import { type OpenedModel, openModel } from "../model.ts";
import {
  addAdapterOption,
  addModelOptions,
  type DeviceOptions,
  integer,
  jsonOption,
  type ModelOptions,
  modelArgument,
} from "../options.ts";
import { emitJson, say } from "../output.ts";
import { artifactFolder } from "../training/checkpoints.ts";

interface PredictOptions extends ModelOptions, DeviceOptions {
  readonly weights?: string;
  readonly top: number;
  readonly json?: boolean;
}

interface ClassProbability {
  readonly class: number;
  readonly name: string | null;
  readonly probability: number;
}

export const predictCommand = () =>
  addAdapterOption(
    addModelOptions(
      new Command("predict")
        .description("Says what pictures show: the likeliest classes and their probabilities.")
        .argument("<model>", modelArgument)
        .argument("<image...>", "JPEG or PNG files")
        .option("--weights <w>", "a weights file, a checkpoint, or a checkpoint folder (its newest)")
        .option("--top <n>", "how many classes", integer(1), 5),
    ),
  )
    .addOption(jsonOption('print [{"image","classes":[{"class","name","probability"}]}] to stdout'))
    .action(async (path: string, images: string[], options: PredictOptions) => {
      const model = await openModel(path, options, Math.min(images.length, 64));
      if (model.outputShape.length !== 2)
        throw new KilnError(
          "usage",
          `the output of ${model.name} is [${model.outputShape.join(", ")}]; predictions need [N, classes]`,
        );
      const weights = await weightsFor(model, options.weights);
      const pictures = await Promise.all(images.map((image) => decode(image, model)));
      const largest = {
        height: Math.max(...pictures.map((p) => p.height)),
        width: Math.max(...pictures.map((p) => p.width)),
      };
      const session = await openForward(model, options, weights, largest);
      const names = session.program.input.classNames ?? (await namesBeside(options.weights, model));
      const rows = await logitsOf(session, pictures);
      const results = images.map((image, i) => ({ image, classes: likeliest(rows[i], options.top, names) }));
      for (const { image, classes } of results) say(`${image}: ${classes.map(formatClass).join(", ")}`);
      if (options.json) emitJson(results);
    });

/** At its own size, which the device resizes; what is larger than the model's input is averaged down to it. */
async function decode(image: string, { inputShape: [, channels, height, width] }: OpenedModel): Promise<Picture> {
  const { decodePicture } = await import("../../runtime/node/data/index.ts"); // not before: the decoder is large
  const picture = await decodePicture(image, channels);
  return picture.height > height || picture.width > width ? decodePicture(image, channels, height, width) : picture;
}

/** Classes' names from the artifact that a checkpoint folder keeps. */
async function namesBeside(weights: string | undefined, model: OpenedModel): Promise<readonly string[] | null> {
  if (weights === undefined) return null;
  const isFolder = (await stat(weights)).isDirectory();
  const folder = artifactFolder(isFolder ? weights : dirname(weights));
  if (!(await isArtifact(folder))) return null;
  const { program } = await readArtifact(folder);
  return program.model.name === model.name ? program.input.classNames : null;
}

/** A row of outputs a picture; pictures of one size go together. */
async function logitsOf(session: Session, pictures: readonly Picture[]): Promise<Float32Array[]> {
  const rows: Float32Array[] = new Array(pictures.length);
  const groups = new Map<string, number[]>();
  pictures.forEach(({ height, width }, i) => {
    const key = `${height}x${width}`;
    groups.set(key, [...(groups.get(key) ?? []), i]);
  });
  const { batch } = session;
  const classes = session.program.output.shape[1];
  for (const group of groups.values())
    for (let at = 0; at < group.length; at += batch) {
      const indices = group.slice(at, at + batch);
      const { height, width, bytes } = pictures[indices[0]];
      const all = new Uint8Array(batch * bytes.length);
      for (let k = 0; k < batch; k++)
        all.set(pictures[indices[Math.min(k, indices.length - 1)]].bytes, k * bytes.length);
      session.writePictures(all, height, width);
      await session.run("forward", { pictures: true });
      const logits = await session.readOutput("forward", "output");
      indices.forEach((i, k) => {
        rows[i] = logits.slice(k * classes, (k + 1) * classes);
      });
    }
  return rows;
}

function likeliest(logits: Float32Array, top: number, names: readonly string[] | null): ClassProbability[] {
  const probabilities = softmax(logits);
  const left = Float64Array.from(probabilities);
  return Array.from({ length: Math.min(top, left.length) }, () => {
    const best = argmax(left);
    left[best] = Number.NEGATIVE_INFINITY;
    return { class: best, name: names?.[best] ?? null, probability: probabilities[best] };
  });
}

const formatClass = ({ class: index, name, probability }: ClassProbability): string =>
  `${name ?? `class ${index}`} ${probability.toFixed(4)}`;
