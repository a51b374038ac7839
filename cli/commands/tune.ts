import { Command } from "commander";
import { KilnError } from "../../runtime/program/error.ts";
import type { EntryName } from "../../runtime/program/schema.ts";
import { measurePeak } from "../bench/peak.ts";
import { openAdapter } from "../device.ts";
import { Interrupted, UsageError } from "../errors.ts";
import { Interruption } from "../interruption.ts";
import { openModel } from "../model.ts";
import {
  addAdapterOption,
  addModelOptions,
  amount,
  type DeviceOptions,
  integer,
  jsonOption,
  type ModelOptions,
} from "../options.ts";
import { emitJson, say } from "../output.ts";
import { adapterKey } from "../tune/adapterKey.ts";
import { readRecords, tuningPath } from "../tune/cache.ts";

interface TuneOptions extends ModelOptions, DeviceOptions {
  readonly budget: number;
  readonly candidates: number;
  readonly momentum: number;
  readonly json?: boolean;
}

export const tuneCommand = () =>
  addAdapterOption(
    addModelOptions(
      new Command("tune")
        .description(
          "Measures schedules for the contractions of a model on the adapter, and keeps them for kiln compile, train, run " +
            "and the others. Ctrl-C keeps what was measured until then.",
        )
        .argument("<model>", "a model file")
        .option("--budget <seconds>", "time to measure, shared out by what each contraction costs", amount, 300)
        .option(
          "--candidates <n>",
          "most candidates for each contraction, those of earlier runs counted",
          integer(1),
          32,
        )
        .option("--momentum <f>", "above 0: for training with momentum, whose kernels are others", amount, 0),
    ),
  )
    .addOption(jsonOption("print what was found as JSON to stdout"))
    .action(tune);

async function tune(path: string, options: TuneOptions): Promise<void> {
  if (options.target !== undefined && options.target !== "adapter")
    throw new UsageError(`--target ${options.target}: schedules are measured on the adapter in hand, for itself`);
  if (options.cache === false) throw new UsageError("kiln tune keeps what it measures: --cache FILE says where");
  const model = await openModel(path, options);
  if (model.stored)
    throw new KilnError("usage", `${path} is an artifact, whose schedules are settled; tune the model file`);
  const cache = tuningPath(options.cache);
  readRecords(cache); // a damaged file is told now, not after measuring
  const opened = await openAdapter(options);
  const { device, target } = opened;
  const trains = model.mode === "train";
  const entries: EntryName[] = trains
    ? [model.classes === null ? "gradientsFromCotangent" : "step", "forward"]
    : ["forward"];
  const compiled = await model.compile({ target, entries, velocity: options.momentum > 0 });
  const { subjectsOf } = await import("../tune/subjects.ts");
  const { tuneAll } = await import("../tune/tuneAll.ts");
  const { formatKernels, totals, tunedKernel } = await import("../tune/result.ts");
  const key = adapterKey(opened.adapter);
  const subjects = subjectsOf(compiled.model!, key, target);
  if (subjects.length === 0) return say(`${model.name} has no contraction: there is nothing to tune.`);
  const firstPeak = await measurePeak(opened);
  say(`Contractions: ${subjects.length}. Records: ${cache}`);

  const interruption = new Interruption("measurement");
  try {
    const records = await tuneAll(subjects, {
      device,
      target,
      cache,
      most: options.candidates,
      seconds: options.budget,
      signal: interruption.signal,
    });
    // Other work on the machine lowers what is measured, never raises it.
    const peakGflops = Math.max(firstPeak, await measurePeak(opened));
    const kernels = subjects.map((s, i) => tunedKernel(s, records[i], target, peakGflops));
    const { beforeMs, afterMs } = totals(kernels);
    say(`Ceiling: ${peakGflops.toFixed(1)} GFLOP/s`);
    say(formatKernels(kernels));
    say(
      `Contractions of a ${trains ? "step" : "forward pass"}: ${beforeMs.toFixed(1)} ms before, ${afterMs.toFixed(1)} ms after`,
    );
    if (options.json)
      emitJson({ ...key, model: model.name, batch: model.batch, cache, peakGflops, beforeMs, afterMs, kernels });
    if (!interruption.signal.aborted) return;
    say("Stopped; what was measured is kept.");
    throw new Interrupted();
  } finally {
    interruption.end();
  }
}
