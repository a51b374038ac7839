/** The device that a command runs on, and weights for what runs. */
import type { CompiledModel } from "../compiler/artifact.ts";
import { readWeights } from "../runtime/node/checkpoints.ts";
import { type OpenedDevice, openDevice } from "../runtime/node/device.ts";
import type { Artifact } from "../runtime/program/schema.ts";
import type { Weights } from "../runtime/weights.ts";
import { UsageError } from "./errors.ts";
import type { CompileNeeds, OpenedModel } from "./model.ts";
import type { DeviceOptions, ModelOptions } from "./options.ts";
import { formatSeconds, say } from "./output.ts";
import { describedTarget } from "./targets.ts";
import { tunedTarget } from "./tune/tuned.ts";

/**
 * Opens the adapter asked for, and says in one line which it is. Where none is, one that runs the artifact at hand, or the
 * target that `--target` or the text names.
 */
export async function openAdapter(
  { adapter, target: option }: DeviceOptions & Pick<ModelOptions, "target">,
  model?: Pick<OpenedModel, "stored" | "scheduledFor"> | null,
): Promise<OpenedDevice> {
  const target = option ?? model?.scheduledFor;
  const described = target === undefined || target === "adapter" ? undefined : await describedTarget(target);
  const opened = await openDevice({ adapter, program: model?.stored?.program.target ?? described });
  say(opened.description);
  return opened;
}

/** Compiles a model for the device at hand, unless `--target` says otherwise; an artifact is taken as it is. */
export async function compileFor(
  model: OpenedModel,
  opened: OpenedDevice,
  options: ModelOptions,
  needs: Omit<CompileNeeds, "target" | "choose">,
): Promise<Artifact> {
  return (await compileStagesFor(model, opened, options, needs)).artifact;
}

/** The same, with the model at every stage; null for an artifact, which has none. */
export async function compileStagesFor(
  model: OpenedModel,
  opened: OpenedDevice,
  options: ModelOptions,
  needs: Omit<CompileNeeds, "target" | "choose">,
): Promise<{ artifact: Artifact; stages: CompiledModel | null }> {
  if (model.stored) return { artifact: model.stored, stages: null };
  const { target, choose, report } = await tunedTarget(options, model.scheduledFor ?? "adapter", async () => opened);
  const { artifact, seconds, model: stages } = await model.compile({ ...needs, target, choose });
  say(describeCompilation(artifact, seconds));
  report();
  return { artifact, stages };
}

/** "Compiled lenet for a batch of 64 and lavapipe in 1.2 s" */
export function describeCompilation({ program }: Artifact, seconds: number): string {
  const { name, batch } = program.model;
  const time = seconds < 10 ? `${seconds.toFixed(1)} s` : formatSeconds(seconds);
  return `Compiled ${name} for a batch of ${batch} and ${program.target.name} in ${time}: ${program.kernels.length} kernels`;
}

/**
 * Weights from a file, a checkpoint or a checkpoint folder. Without the option, an artifact's own (undefined); an error
 * where the model has parameters and there are none.
 */
export async function weightsFor(model: OpenedModel, path: string | undefined): Promise<Weights | undefined> {
  if (path !== undefined) return readWeights(path);
  if (model.hasParameters && !model.stored?.weights)
    throw new UsageError(
      `${model.name} has parameters: give their values, --weights FILE.safetensors or a checkpoint or its folder`,
    );
  return undefined;
}
