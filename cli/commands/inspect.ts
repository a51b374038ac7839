import { Command, Option } from "commander";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { StageProgram } from "../../compiler/ir/stage.ts";
import type { CompiledEntry } from "../../compiler/pipeline.ts";
import { openDevice } from "../../runtime/node/device.ts";
import { KilnError } from "../../runtime/program/error.ts";
import type { Artifact, EntryName } from "../../runtime/program/schema.ts";
import { UsageError } from "../errors.ts";
import { planJsonToText, storedKernels, storedKernelsText, storedPlan } from "../inspect/storedPlan.ts";
import { mainEntry, mainEntryName } from "../mainEntry.ts";
import { describeMemory } from "../memory.ts";
import { openModel } from "../model.ts";
import {
  addAdapterOption,
  addModelOptions,
  amount,
  type DeviceOptions,
  type ModelOptions,
  modelArgument,
} from "../options.ts";
import { emit, emitJson, say } from "../output.ts";
import { tunedTarget } from "../tune/tuned.ts";

type Stage = "graph" | "joint" | "expr" | "fused" | "kernels" | "plan";

interface InspectOptions extends ModelOptions, DeviceOptions {
  readonly stage: Stage;
  readonly format: "text" | "json" | "html";
  readonly momentum: number;
}

export const inspectCommand = () =>
  addAdapterOption(
    addModelOptions(
      new Command("inspect")
        .description(
          "Shows what the compiler makes of a model, on stdout: of the training step, or in infer mode of the forward pass.",
        )
        .argument("<model>", modelArgument)
        .addOption(
          new Option(
            "--stage <stage>",
            "graph: the ops as written; joint: with gradients and update; expr: index expressions; fused: one group a kernel; kernels: loop nests; plan: memory and dispatches",
          )
            .choices(["graph", "joint", "expr", "fused", "kernels", "plan"])
            .makeOptionMandatory(),
        )
        .addOption(new Option("--format <format>", "text or json").choices(["text", "json", "html"]).default("text"))
        .option("--momentum <f>", "above 0: with velocities, as kiln compile has it", amount, 0),
      "portable",
    ),
  ).action(async (path: string, options: InspectOptions) => {
    if (options.format === "html") throw new UsageError("--format html does not exist yet; text and json do");
    const model = await openModel(path, options);
    if (model.stored) return showStored(path, model.stored, options);
    const { stage, format } = options;
    const { target, choose, report } = await tunedTarget(options, "portable", () => openDevice(options));
    const entries: EntryName[] =
      model.mode === "infer" ? ["forward"] : [model.classes === null ? "gradientsFromCotangent" : "step"];
    const compiled = await model.compile({ target, choose, entries, velocity: options.momentum > 0 });
    report();
    const { graph } = compiled.model!;
    const { entry } = mainEntry(compiled.model!);
    await (format === "json" ? showJson(stage, graph, entry) : showText(stage, graph, entry));
  });

function showStored(path: string, artifact: Artifact, { stage, format }: InspectOptions): void {
  const name = mainEntryName(artifact.program);
  if (stage === "plan") {
    const plan = storedPlan(artifact, name);
    return format === "json" ? emitJson(plan) : emit(planJsonToText(plan));
  }
  if (stage === "kernels")
    return format === "json" ? emitJson(storedKernels(artifact, name)) : emit(storedKernelsText(artifact, name));
  throw new KilnError(
    "usage",
    `${path} is an artifact, which holds kernels and plan; for the stage ${stage} inspect the model file ` +
      "(or the files in ir/, where it was compiled with --dump-ir)",
  );
}

function requireJoint(entry: CompiledEntry): Graph {
  if (entry.graph.stage !== "joint") throw new UsageError("--stage joint is of training; it needs --mode train");
  return entry.graph;
}

async function showText(stage: Stage, graph: Graph, entry: CompiledEntry): Promise<void> {
  const { print } = await import("../../compiler/index.ts");
  const programs: Record<Stage, () => StageProgram> = {
    graph: () => graph,
    joint: () => requireJoint(entry),
    expr: () => entry.expr,
    fused: () => entry.fused,
    kernels: () => entry.kernels,
    plan: () => entry.program,
  };
  emit(print(programs[stage]()));
  if (stage === "plan") say(describeMemory(entry.plan));
}

async function showJson(stage: Stage, graph: Graph, entry: CompiledEntry): Promise<void> {
  const { planToJson } = await import("../../compiler/index.ts");
  const { kernelsToJson, programToJson } = await import("../inspect/stageJson.ts");
  const values: Record<Stage, () => unknown> = {
    graph: () => programToJson(graph),
    joint: () => programToJson(requireJoint(entry)),
    expr: () => programToJson(entry.expr),
    fused: () => programToJson(entry.fused),
    kernels: () => kernelsToJson(entry.problem.kernels),
    plan: () => planToJson(entry.plan, entry.problem),
  };
  emitJson(values[stage]());
}
