import { Command } from "commander";
import { formatBytes, KilnError } from "../../runtime/program/error.ts";
import type { EntryName } from "../../runtime/program/schema.ts";
import { createSession } from "../../runtime/session.ts";
import { type KernelFigures, kernelFigures } from "../bench/kernels.ts";
import { benchPictures, measureForward, measureSteps, pictureSize } from "../bench/measure.ts";
import { measurePeak } from "../bench/peak.ts";
import { type Wanted, writeBenchFiles } from "../bench/written.ts";
import { compileStagesFor, openAdapter } from "../device.ts";
import { DumpIr } from "../dumpIr.ts";
import { openModel } from "../model.ts";
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
import { packagedModel } from "../paths.ts";
import { formatTable } from "../table.ts";

interface BenchOptions extends ModelOptions, DeviceOptions, Wanted {
  readonly repeats: number;
  readonly json?: boolean;
}

export const benchCommand = () =>
  addAdapterOption(
    addModelOptions(
      new Command("bench")
        .description(
          "Measures the adapter's ceiling, a forward pass, a training step (upload, resize and reading the loss " +
            "included), and every kernel of it.",
        )
        .argument("[model]", `${modelArgument}; AlexNet where none is given`)
        .option("--repeats <n>", "runs that are timed, after one to warm up; the least counts", integer(1), 3)
        .option("--report <file>", "write the page of kiln inspect --format html with these times: roofline, layers")
        .option("--trace <file>", "write one step as a trace for Perfetto (ui.perfetto.dev) or chrome://tracing"),
    ),
  )
    .addOption(jsonOption("print the figures as JSON to stdout"))
    .action(async (path: string | undefined, options: BenchOptions) => {
      const figures = await bench(path ?? packagedModel("alexnet"), options);
      sayFigures(figures);
      if (options.json) emitJson(figures);
    });

type Figures = Awaited<ReturnType<typeof bench>>;

async function bench(path: string, options: BenchOptions) {
  const model = await openModel(path, options);
  if (options.report !== undefined && model.stored)
    throw new KilnError(
      "usage",
      `${path} is an artifact, which holds neither graph nor passes; for --report bench the model file`,
    );
  const opened = await openAdapter(options, model);
  const { device } = opened;
  const peakGflops = await measurePeak(opened);
  const trains = model.mode === "train" && model.classes !== null;
  const entries: EntryName[] = trains ? ["step", "forward"] : ["forward"];
  const dump = new DumpIr();
  const { onPass } = options.report === undefined && options.trace === undefined ? { onPass: undefined } : dump;
  const { artifact, stages } = await compileStagesFor(model, opened, options, { entries, onPass });
  const { program } = artifact;
  const session = await createSession(device, artifact, { entries, pictures: pictureSize });
  const forward = await measureForward(session, options.repeats);
  const step = trains ? await measureSteps(session, options.repeats) : null;
  const [main] = entries;
  const profile = await session.profile(main, { pictures: true, repeats: options.repeats });
  const entry = program.entries[main]!;
  const counted = step ?? forward;
  const figures = {
    adapter: opened.adapter.name,
    target: program.target.name,
    peakGflops,
    model: model.name,
    mode: model.mode,
    batch: model.batch,
    forwardMs: forward.min,
    forwardMedianMs: forward.median,
    stepMs: step?.min ?? null,
    stepMedianMs: step?.median ?? null,
    imagesPerSecond: (model.batch * 1000) / counted.min,
    repeats: options.repeats,
    dispatches: entry.pictures.length + entry.dispatches.length,
    clock: profile.clock,
    kernels: kernelFigures(program, main, profile, peakGflops, benchPictures(session).length),
    memory: {
      planBytes: entry.arenaBytes,
      lowerBoundBytes: entry.lowerBoundBytes,
      ratio: entry.lowerBoundBytes === 0 ? 1 : entry.arenaBytes / entry.lowerBoundBytes,
      persistentBytes: program.persistentBytes,
      allocatedBytes: session.memory.totalBytes,
    },
  };
  await writeBenchFiles(options, { opened, session, profile, figures, stages, dump, files: model.files });
  return figures;
}

function sayFigures(figures: Figures): void {
  const { kernels, memory } = figures;
  const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
  say(`Ceiling: ${figures.peakGflops.toFixed(1)} GFLOP/s`);
  say(`Forward: ${ms(figures.forwardMs)} (median ${ms(figures.forwardMedianMs)})`);
  if (figures.stepMs !== null) say(`Step: ${ms(figures.stepMs)} (median ${ms(figures.stepMedianMs!)})`);
  say(`${figures.imagesPerSecond.toFixed(1)} images/s at batch ${figures.batch}, ${figures.dispatches} dispatches`);
  say(
    `Memory: arena ${formatBytes(memory.planBytes)}, lower bound ${formatBytes(memory.lowerBoundBytes)}, ` +
      `ratio ${memory.ratio.toFixed(3)}; allocated ${formatBytes(memory.allocatedBytes)} in all`,
  );
  say(formatKernels(kernels));
}

/** A table, one dispatch a line, in the order in which they run. */
function formatKernels(kernels: readonly KernelFigures[]): string {
  const total = kernels.reduce((sum, { ms }) => sum + ms, 0);
  const rows = kernels.map((k) => [
    k.name,
    k.ms.toFixed(2),
    ((100 * k.ms) / total).toFixed(1),
    k.gflops.toFixed(1),
    k.percentOfPeak.toFixed(1),
    formatBytes(k.bytes),
  ]);
  return formatTable(["kernel", "ms", "% of time", "GFLOP/s", "% of ceiling", "bytes"], rows, ["kernel"]);
}
