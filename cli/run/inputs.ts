/** IN of `kiln run`: what it holds, and whether that fits the model. */
import { readFileSync } from "node:fs";
import { fileError } from "../../runtime/node/files.ts";
import { KilnError } from "../../runtime/program/error.ts";
import { parseSafetensors, type StoredTensor, toFloat32, toInt32 } from "../../runtime/program/safetensors.ts";
import { UsageError } from "../errors.ts";
import type { OpenedModel } from "../model.ts";

export interface InputTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface RunInputs {
  /** For messages. */
  readonly file: string;
  readonly input: InputTensor;
  readonly labels: { readonly shape: readonly number[]; readonly values: Int32Array } | null;
  readonly cotangent: InputTensor | null;
}

/** Reads IN. Throws KilnError of kind "file" that names the file and the tensor. */
export function readInputs(file: string): RunInputs {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw fileError(file, "the inputs cannot be read", cause);
  }
  const { tensors } = parseSafetensors(bytes, file);
  const floats = (name: string, tensor: StoredTensor): InputTensor => ({
    shape: tensor.shape,
    values: toFloat32(tensor, `${file}: ${name}`),
  });
  const input = tensors.get("input");
  if (!input)
    throw new KilnError("file", `${file}: there is no tensor \`input\`; it holds ${[...tensors.keys()].join(", ")}`);
  if (input.shape.length !== 4 || input.shape[0] === 0)
    throw new KilnError("file", `${file}: input is ${bracketed(input.shape)}; [N, C, H, W] expected, N at least 1`);
  const labels = tensors.get("labels");
  const cotangent = tensors.get("cotangent");
  if (labels && cotangent)
    throw new KilnError("file", `${file} holds both labels and cotangent; gradients are of one or the other`);
  const others = [...tensors.keys()].filter((name) => !["input", "labels", "cotangent"].includes(name));
  if (others.length > 0)
    throw new KilnError("file", `${file} holds ${others.join(", ")}; a model takes input, and labels or cotangent`);
  return {
    file,
    input: floats("input", input),
    labels: labels ? { shape: labels.shape, values: toInt32(labels, `${file}: labels`) } : null,
    cotangent: cotangent ? floats("cotangent", cotangent) : null,
  };
}

/** Checks shapes, labels and what is asked for against the model. */
export function checkInputs(
  model: OpenedModel,
  { file, input, labels, cotangent }: RunInputs,
  { grads, steps }: { grads?: boolean; steps?: number },
): void {
  const fail = (message: string): never => {
    throw new KilnError("file", `${file}: ${message}`);
  };
  if (input.shape[0] !== model.batch)
    fail(`input holds ${input.shape[0]} pictures, but ${model.name} was compiled for a batch of ${model.batch}`);
  if (input.shape.join() !== model.inputShape.join())
    fail(`input is ${bracketed(input.shape)}, but ${model.name} takes ${bracketed(model.inputShape)}`);
  if (cotangent && cotangent.shape.join() !== model.outputShape.join())
    fail(`cotangent is ${bracketed(cotangent.shape)}, but the output is ${bracketed(model.outputShape)}`);

  if (model.mode === "infer" && (grads || steps !== undefined))
    throw new UsageError(`${grads ? "--grads" : "--steps"} needs --mode train: infer mode has the forward pass alone`);
  if (grads && !labels && !cotangent)
    throw new UsageError(`--grads needs \`labels\` or \`cotangent\` in ${file}: gradients are of something`);
  if (steps !== undefined && !labels) throw new UsageError(`--steps needs \`labels\` in ${file} to train on`);
  if (labels) checkLabels(model, labels, fail);
}

function checkLabels(
  model: OpenedModel,
  { shape, values }: NonNullable<RunInputs["labels"]>,
  fail: (message: string) => never,
): void {
  const [batch, classes] = model.outputShape;
  if (model.outputShape.length !== 2)
    fail(`there are labels, but the output of ${model.name} is ${bracketed(model.outputShape)}, not [N, classes]`);
  if (model.mode === "train" && model.classes === null)
    fail(
      `there are labels, but ${model.name} does not state its \`classes\`; do so in the model file to train on labels`,
    );
  if (shape.length !== 1 || shape[0] !== batch)
    fail(`labels are ${bracketed(shape)}; [${batch}] expected, one a picture`);
  const wrong = values.findIndex((label) => label < 0 || label >= classes);
  if (wrong >= 0) fail(`label ${wrong} is ${values[wrong]}; 0 to ${classes - 1} expected`);
}

const bracketed = (shape: readonly number[]): string => `[${shape.join(", ")}]`;
