import { Command, Option } from "commander";
import { diagnosticsToJson } from "../../compiler/diagnostics/diagnostic.ts";
import { writeArtifact } from "../../runtime/node/artifacts.ts";
import { readWeights } from "../../runtime/node/checkpoints.ts";
import { openDevice } from "../../runtime/node/device.ts";
import { formatBytes } from "../../runtime/program/error.ts";
import { f32, formatSafetensors } from "../../runtime/program/safetensors.ts";
import type { Artifact } from "../../runtime/program/schema.ts";
import { matchWeights } from "../../runtime/weights.ts";
import { describeCompilation } from "../device.ts";
import { DumpIr } from "../dumpIr.ts";
import { DiagnosedError, UsageError } from "../errors.ts";
import { describeMemory } from "../memory.ts";
import { openModel } from "../model.ts";
import {
  addAdapterOption,
  addModelOptions,
  amount,
  type DeviceOptions,
  jsonOption,
  type ModelOptions,
  modelArgument,
} from "../options.ts";
import { emitJson, say } from "../output.ts";
import { tunedTarget } from "../tune/tuned.ts";

interface CompileOptions extends ModelOptions, DeviceOptions {
  readonly optimizer: "sgd";
  readonly momentum: number;
  readonly weightDecay: number;
  readonly weights?: string;
  readonly output: string;
  readonly dumpIr?: boolean;
  readonly verify?: boolean;
  readonly json?: boolean;
}

export const compileCommand = () =>
  addAdapterOption(
    addModelOptions(
      new Command("compile")
        .description("Compiles a model file to an artifact: kernels, memory plan, typed module.")
        .argument("<model>", modelArgument)
        .requiredOption("-o, --output <dir>", "the artifact's folder; one that is there already is replaced"),
      "portable",
    ),
  )
    .addOption(new Option("--optimizer <kind>", "what updates the parameters").choices(["sgd"]).default("sgd"))
    .option("--momentum <f>", "above 0, the artifact keeps velocities, and may be trained with any momentum", amount, 0)
    .option("--weight-decay <f>", "checked only: every artifact may be trained with any weight decay", amount, 0)
    .option("--weights <w>", "put these weights in: a weights file, a checkpoint, or a checkpoint folder")
    .option("--dump-ir", "write ir/NN-<pass>.kir, one file a pass")
    .option("--verify", "check what every pass made, and the artifact: finds faults of the compiler, takes longer")
    .addOption(jsonOption("print diagnostics as JSON to stdout: [{file,line,column,code,message}]"))
    .action(async (path: string, options: CompileOptions) => {
      try {
        await compile(path, options);
        if (options.json) emitJson([]);
      } catch (error) {
        if (options.json && error instanceof DiagnosedError) emitJson(diagnosticsToJson(error.diagnostics));
        throw error;
      }
    });

async function compile(path: string, options: CompileOptions): Promise<void> {
  const model = await openModel(path, options);
  if (model.stored) throw new UsageError(`${path} is an artifact already; kiln compile takes a model file`);
  const { target, choose, report } = await tunedTarget(options, "portable", () => openDevice(options));
  const dump = options.dumpIr ? new DumpIr() : null;
  const compiled = await model.compile({
    target,
    choose,
    velocity: options.momentum > 0,
    verify: options.verify,
    onPass: dump?.onPass,
  });
  const artifact =
    options.weights === undefined ? compiled.artifact : await withWeights(compiled.artifact, options.weights);
  const { emitModule } = await import("../../compiler/emitModule.ts");
  const files = { [`${model.name}.ts`]: emitModule(artifact.program), ...dump?.files(compiled.model!) };
  await writeArtifact(options.output, artifact, files);
  say(describeCompilation(artifact, compiled.seconds));
  report();
  say(describePlan(artifact));
  say(`Written to ${options.output}`);
}

async function withWeights(artifact: Artifact, path: string): Promise<Artifact> {
  const values = matchWeights(artifact.program, await readWeights(path));
  const tensors = artifact.program.state.flatMap(({ name, shape }) => {
    const data = values.get(name);
    return data ? [[name, f32(shape, data)] as const] : [];
  });
  return { ...artifact, weights: formatSafetensors(tensors) };
}

/** The memory plan in figures, as `program.json` has them, and the entry points. */
function describePlan({ program }: Artifact): string {
  const entries = Object.entries(program.entries).map(
    ([name, entry]) => `  ${name}: ${entry.dispatches.length} dispatches, arena ${formatBytes(entry.arenaBytes)}`,
  );
  return [describeMemory(program), ...entries].join("\n");
}
