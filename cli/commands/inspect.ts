import { Command, Option } from "commander";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { StageProgram } from "../../compiler/ir/stage.ts";
import type { CompiledEntry } from "../../compiler/pipeline.ts";
import { openDevice } from "../../runtime/node/device.ts";
import { writeFileAtomically } from "../../runtime/node/files.ts";
import { KilnError } from "../../runtime/program/error.ts";
import type { Artifact } from "../../runtime/program/schema.ts";
import { DumpIr } from "../dumpIr.ts";
import { UsageError } from "../errors.ts";
import { planJsonToText, storedKernels, storedKernelsText, storedPlan } from "../inspect/storedPlan.ts";
import { mainEntriesOf, mainEntry, mainEntryName } from "../mainEntry.ts";
import { describeMemory } from "../memory.ts";
import { type OpenedModel, openModel } from "../model.ts";
import {
  addAdapterOption,
  addModelOptions,
  amount,
  type DeviceOptions,
  type ModelOptions,
  modelArgument,
} from "../options.ts";
import { emit, say } from "../output.ts";
import { reportPage } from "../report/page.ts";
import { tunedTarget } from "../tune/tuned.ts";

type Stage = "graph" | "joint" | "expr" | "fused" | "kernels" | "plan";

interface InspectOptions extends ModelOptions, DeviceOptions {
  readonly stage?: Stage;
  readonly format: "text" | "json" | "html";
  readonly output?: string;
  readonly momentum: number;
}

export const inspectCommand = () =>
  addAdapterOption(
    addModelOptions(
      new Command("inspect")
        .description(
          "Shows what the compiler makes of a model: of the training step, or in infer mode of the forward pass. " +
            "--format html writes a page of all stages, with the graph, the passes and the memory plan as pictures.",
        )
        .argument("<model>", modelArgument)
        .addOption(
          new Option(
            "--stage <stage>",
            "graph: the ops as written; joint: with gradients and update; expr: index expressions; fused: one group a kernel; kernels: loop nests; plan: memory and dispatches",
          ).choices(["graph", "joint", "expr", "fused", "kernels", "plan"]),
        )
        .addOption(
          new Option("--format <format>", "text and json: of a stage; html: a page that stands alone, of all of them")
            .choices(["text", "json", "html"])
            .default("text"),
        )
        .option("-o, --output <file>", "where to write it; text and json go to stdout where it is not given")
        .option("--momentum <f>", "above 0: with velocities, as kiln compile has it", amount, 0),
      "portable",
    ),
  ).action(async (path: string, options: InspectOptions) => {
    requireAgreement(options);
    const model = await openModel(path, options);
    const text = model.stored ? storedText(path, model.stored, options) : await compiledText(model, options);
    if (options.output === undefined) return emit(text);
    await writeFileAtomically(options.output, text.endsWith("\n") ? text : `${text}\n`);
    say(`Written to ${options.output}`);
  });

function requireAgreement({ format, stage, output }: InspectOptions): void {
  if (format === "html" && output === undefined)
    throw new UsageError("--format html writes a file: say which, -o report.html");
  if (format === "html" && stage !== undefined)
    throw new UsageError("--format html shows all stages; leave --stage out");
  if (format !== "html" && stage === undefined)
    throw new UsageError("--stage is needed: graph, joint, expr, fused, kernels or plan (or --format html, for all)");
}

async function compiledText(model: OpenedModel, options: InspectOptions): Promise<string> {
  const { stage, format } = options;
  const { target, choose, report } = await tunedTarget(options, "portable", () => openDevice(options));
  const entries = mainEntriesOf(model);
  const dump = new DumpIr();
  const compiled = await model.compile({
    target,
    choose,
    entries,
    velocity: options.momentum > 0,
    onPass: format === "html" ? dump.onPass : undefined,
  });
  report();
  if (!compiled.model)
    throw new UsageError(
      `${model.name} is past the stages that kiln inspect can show; kiln opt --passes goes on from where it is`,
    );
  if (stage === undefined) {
    const { programReport } = await import("../report/program.ts");
    const { artifact } = compiled;
    return reportPage(programReport({ artifact, model: compiled.model, dump, files: model.files }));
  }
  const { graph } = compiled.model;
  const { entry } = mainEntry(compiled.model);
  return format === "json" ? JSON.stringify(await stageJson(stage, graph, entry)) : stageText(stage, graph, entry);
}

function storedText(path: string, artifact: Artifact, { stage, format }: InspectOptions): string {
  const name = mainEntryName(artifact.program);
  if (stage === "plan") {
    const plan = storedPlan(artifact, name);
    return format === "json" ? JSON.stringify(plan) : planJsonToText(plan);
  }
  if (stage === "kernels")
    return format === "json" ? JSON.stringify(storedKernels(artifact, name)) : storedKernelsText(artifact, name);
  throw new KilnError(
    "usage",
    `${path} is an artifact, which holds kernels and plan; for ${stage ? `the stage ${stage}` : "--format html"} ` +
      "inspect the model file (or look at the files in ir/, where it was compiled with --dump-ir)",
  );
}

function requireJoint(entry: CompiledEntry): Graph {
  if (entry.graph.stage !== "joint") throw new UsageError("--stage joint is of training; it needs --mode train");
  return entry.graph;
}

async function stageText(stage: Stage, graph: Graph, entry: CompiledEntry): Promise<string> {
  const { print } = await import("../../compiler/index.ts");
  const programs: Record<Stage, () => StageProgram> = {
    graph: () => graph,
    joint: () => requireJoint(entry),
    expr: () => entry.expr,
    fused: () => entry.fused,
    kernels: () => entry.kernels,
    plan: () => entry.program,
  };
  if (stage === "plan") say(describeMemory(entry.plan));
  return print(programs[stage]());
}

async function stageJson(stage: Stage, graph: Graph, entry: CompiledEntry): Promise<unknown> {
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
  return values[stage]();
}
