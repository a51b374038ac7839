import { Command } from "commander";
import { writeFileAtomically } from "../../runtime/node/files.ts";
import { safetensorsParts } from "../../runtime/program/safetensors.ts";
import { compileFor, openAdapter, weightsFor } from "../device.ts";
import { UsageError } from "../errors.ts";
import { openModel } from "../model.ts";
import {
  addAdapterOption,
  addModelOptions,
  amount,
  type DeviceOptions,
  integer,
  type ModelOptions,
  modelArgument,
} from "../options.ts";
import { say } from "../output.ts";
import { runGradients, runInfer, runSteps, type Tensors } from "../run/execute.ts";
import { checkInputs, type RunInputs, readInputs } from "../run/inputs.ts";

interface RunOptions extends ModelOptions, DeviceOptions {
  readonly inputs: string;
  readonly weights?: string;
  readonly out: string;
  readonly grads?: boolean;
  readonly steps?: number;
  readonly lr?: number;
  readonly momentum?: number;
  readonly weightDecay?: number;
}

export const runCommand = () =>
  addAdapterOption(
    addModelOptions(
      new Command("run")
        .description(
          "Runs a model on tensors. IN holds `input` (f32 NCHW, as it enters the network), and `labels` (i32 [N]) or " +
            "`cotangent` (of the output's shape); OUT gets `output`, `loss`, gradients or trained parameters.",
        )
        .argument("<model>", modelArgument)
        .requiredOption("--inputs <in>", "safetensors file to read; the batch is read off `input`")
        .requiredOption("--out <out>", "safetensors file to write")
        .option("--weights <w>", "a weights file, a checkpoint, or a checkpoint folder (its newest)"),
    ),
  )
    .option("--grads", "also gradients: grad.input, grad.<parameter>; and param.<running statistic>")
    .option("--steps <n>", "train so many steps on this batch: losses [N], param.<parameter or statistic>", integer(1))
    .option("--lr <f>", "learning rate of the steps (0.001 where not said)", amount)
    .option("--momentum <f>", "momentum of the steps (0 where not said)", amount)
    .option("--weight-decay <f>", "weight decay of the steps (0 where not said)", amount)
    .action(run);

async function run(path: string, options: RunOptions): Promise<void> {
  checkOptions(options);
  const inputs = readInputs(options.inputs);
  const batch = inputs.input.shape[0];
  if (options.batch !== undefined && options.batch !== batch)
    throw new UsageError(`--batch ${options.batch}, but \`input\` in ${options.inputs} holds ${batch} pictures`);
  const model = await openModel(path, options, batch);
  checkInputs(model, inputs, options);
  const weights = await weightsFor(model, options.weights);
  const opened = await openAdapter(options, model);
  const momentum = options.momentum ?? 0;
  const entry = entryFor(model.mode, inputs, options);
  const artifact = await compileFor(model, opened, options, { entries: [entry], velocity: momentum > 0 });
  const { device } = opened;
  let tensors: Tensors;
  if (entry === "forward") tensors = await runInfer(device, artifact, inputs, weights);
  else if (entry === "step") {
    const { steps = 1, lr = 0.001, weightDecay = 0 } = options;
    tensors = await runSteps(device, artifact, inputs, weights, steps, { lr, momentum, weightDecay });
  } else tensors = await runGradients(device, artifact, entry, inputs, weights, options.grads === true);
  await writeFileAtomically(options.out, safetensorsParts(tensors));
  say(`Written to ${options.out}: ${tensors.map(([name, { shape }]) => `${name} [${shape.join(", ")}]`).join(", ")}`);
}

/** What is wrong whatever the files hold. */
function checkOptions({ grads, steps, lr, momentum, weightDecay }: RunOptions): void {
  if (grads && steps !== undefined)
    throw new UsageError("--grads and --steps are two runs: gradients of the given weights, or training from them");
  if (steps === undefined)
    for (const [option, value] of Object.entries({ lr, momentum, "weight-decay": weightDecay }))
      if (value !== undefined) throw new UsageError(`--${option} is for training: it needs --steps`);
}

function entryFor(mode: "train" | "infer", inputs: RunInputs, options: RunOptions) {
  if (mode === "infer") return "forward" as const;
  if (options.steps !== undefined) return "step" as const;
  return inputs.labels ? ("gradients" as const) : ("gradientsFromCotangent" as const);
}
