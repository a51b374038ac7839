/** What `kiln run` does on the device, and the tensors that come of it. */

import type { Device } from "../../runtime/device.ts";
import type { UniformValues } from "../../runtime/inputs.ts";
import { sumCrossEntropy } from "../../runtime/metrics.ts";
import { KilnError } from "../../runtime/program/error.ts";
import { f32, type StoredTensor } from "../../runtime/program/safetensors.ts";
import type { Artifact, Program } from "../../runtime/program/schema.ts";
import { createSession, type Session } from "../../runtime/session.ts";
import type { Weights } from "../../runtime/weights.ts";
import type { RunInputs } from "./inputs.ts";

/** By name, in the order of the file. */
export type Tensors = (readonly [string, StoredTensor])[];

const scalar = (value: number): StoredTensor => f32([], Float32Array.of(value));

/** The forward pass; the loss, where there are labels, in float64 from its output. */
export async function runInfer(
  device: Device,
  artifact: Artifact,
  inputs: RunInputs,
  weights: Weights | undefined,
): Promise<Tensors> {
  return inferOn(await createSession(device, artifact, { entries: ["forward"], weights }), inputs);
}

/** The same on a session that was made for `forward`. */
export async function inferOn(session: Session, { input, labels }: Omit<RunInputs, "file">): Promise<Tensors> {
  session.writeInput("forward", "input", input.values);
  await session.run("forward");
  const output = await session.readOutput("forward", "output");
  const { shape } = session.program.output;
  const tensors: Tensors = [["output", f32(shape, output)]];
  if (labels) tensors.push(["loss", scalar(sumCrossEntropy(output, shape[1], labels.values) / shape[0])]);
  return tensors;
}

export type GradientEntry = "gradients" | "gradientsFromCotangent";

/** The training network's output, the loss where there are labels, and with `grads` gradients and running statistics. */
export async function runGradients(
  device: Device,
  artifact: Artifact,
  entry: GradientEntry,
  inputs: RunInputs,
  weights: Weights | undefined,
  grads: boolean,
): Promise<Tensors> {
  return gradientsOn(await createSession(device, artifact, { entries: [entry], weights }), entry, inputs, grads);
}

/** The same on a session that was made for `entry`. */
export async function gradientsOn(
  session: Session,
  entry: GradientEntry,
  { input, labels, cotangent }: Omit<RunInputs, "file">,
  grads: boolean,
): Promise<Tensors> {
  const { program } = session;
  session.writeInput(entry, "input", input.values);
  if (labels) session.writeLabels(labels.values);
  else {
    // Asked for the output alone, any cotangent will do.
    const size = program.output.shape.reduce((a, b) => a * b, 1);
    session.writeInput(entry, "cotangent", cotangent?.values ?? new Float32Array(size));
  }
  await session.run(entry);
  const outputs = Object.keys(program.entries[entry]!.outputs);
  const wanted = ["output", ...(labels ? ["loss"] : []), ...(grads ? gradientNames(program) : [])];
  const missing = wanted.filter((name) => !outputs.includes(name));
  if (missing.length > 0)
    throw new KilnError("artifact", `${program.model.name}: the entry point ${entry} gives no ${missing.join(", ")}`);
  const tensors: Tensors = [];
  for (const name of wanted)
    tensors.push([name, f32(session.outputShape(entry, name), await session.readOutput(entry, name))]);
  if (grads) tensors.push(...(await readStates(session, ["statistic"])));
  return tensors;
}

const gradientNames = (program: Program): string[] => [
  "grad.input",
  ...program.state.filter((state) => state.role === "parameter").map((state) => `grad.${state.name}`),
];

/** `steps` updates on the one batch. Output and loss are those of the first, before any update. */
export async function runSteps(
  device: Device,
  artifact: Artifact,
  { input, labels }: RunInputs,
  weights: Weights | undefined,
  steps: number,
  uniforms: Required<Pick<UniformValues, "lr" | "momentum" | "weightDecay">>,
): Promise<Tensors> {
  const session = await createSession(device, artifact, { entries: ["step"], weights });
  session.setUniforms(uniforms);
  session.writeInput("step", "input", input.values);
  session.writeLabels(labels!.values);
  const losses = new Float32Array(steps);
  let output: Float32Array | null = null;
  for (let step = 1; step <= steps; step++) {
    const { loss } = await session.submitStep({ step });
    losses[step - 1] = await loss;
    output ??= await session.readOutput("step", "output");
  }
  return [
    ["output", f32(artifact.program.output.shape, output!)],
    ["loss", scalar(losses[0])],
    ["losses", f32([steps], losses)],
    ...(await readStates(session, ["parameter", "statistic"])),
  ];
}

async function readStates(session: Session, roles: readonly string[]): Promise<Tensors> {
  const tensors: Tensors = [];
  for (const { name, shape, role } of session.program.state)
    if (roles.includes(role)) tensors.push([`param.${name}`, f32(shape, await session.readState(name))]);
  return tensors;
}
