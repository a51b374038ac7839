/** kernels: every distinct contraction of a training step against the adapter's ceiling, and what is not contraction. */
import { type KernelFigures, kernelFigures } from "../../cli/bench/kernels.ts";
import { benchPictures } from "../../cli/bench/measure.ts";
import { measurePeak } from "../../cli/bench/peak.ts";
import { openDevice } from "../../runtime/node/device.ts";
import { createSession } from "../../runtime/session.ts";
import { barChart } from "../report/chart.ts";
import { packagedModel } from "../report/paths.ts";
import type { Suite, Table } from "../suite.ts";
import { compileModel, pictureSize, timeSteps } from "./device.ts";

/** Dispatches of one kernel, together. */
interface KernelGroup {
  readonly name: string;
  readonly dispatches: number;
  readonly contraction: boolean;
  /** "map", "contraction", or "transform": of Winograd's algorithm. */
  readonly kind: string;
  readonly ms: number;
  /** Of the operations that what it computes asks for (Winograd's, where that was chosen), and their share of the ceiling. */
  readonly gflops: number;
  readonly shareOfCeiling: number;
  /** Of the operations executed: more where a tile reaches beyond the edge. */
  readonly executedGflops: number;
  readonly executedShareOfCeiling: number;
  readonly bytes: number;
  readonly gigabytesPerSecond: number;
  readonly shareOfTime: number;
  readonly schedule: KernelFigures["schedule"];
}

export const kernelsSuite: Suite = async ({ options, adapterOption, say }) => {
  const model = options.model ?? packagedModel("alexnet");
  const batch = options.batch ?? 64;
  const opened = await openDevice({ adapter: adapterOption });
  const { device, target } = opened;
  const ceilings = [await measurePeak(opened)];
  const { settings, algorithm } = { settings: options.set, algorithm: options.algorithm };
  const artifact = await compileModel(model, { target, batch, settings, algorithm, entries: ["step"] });
  const session = await createSession(device, artifact, { entries: ["step"], pictures: pictureSize });
  say(`${model}, batch ${batch}: ${options.repeats} steps`);
  const step = await timeSteps(session, options.repeats);
  say("every kernel by itself");
  const profile = await session.profile("step", { pictures: true, repeats: options.repeats });
  ceilings.push(await measurePeak(opened));
  const ceiling = Math.max(...ceilings);
  const figures = kernelFigures(artifact.program, "step", profile, ceiling, benchPictures(session).length);
  session.destroy();
  device.destroy();

  const kernels = groupKernels(figures, ceiling);
  const total = kernels.reduce((sum, { ms }) => sum + ms, 0);
  const contractions = kernels.filter(({ contraction }) => contraction);
  const timeOf = (wanted: string) => kernels.reduce((sum, { kind, ms }) => sum + (kind === wanted ? ms : 0), 0);
  const inContractions = timeOf("contraction");
  const percent = (ms: number) => `${((100 * ms) / total).toFixed(1)}%`;
  const weighted = (of: (kernel: KernelGroup) => number) =>
    contractions.reduce((sum, kernel) => sum + kernel.ms * of(kernel), 0) / inContractions;
  const share = weighted((kernel) => kernel.shareOfCeiling);
  const executedShare = weighted((kernel) => kernel.executedShareOfCeiling);
  return {
    summary: [
      `A training step of ${model} at batch ${batch}, algorithm ${algorithm}: ${step.min.toFixed(1)} ms at least, ` +
        `${step.median.toFixed(1)} ms at the median of ${options.repeats}. Its ${figures.length} dispatches take ` +
        `${total.toFixed(1)} ms one by one (the least of ${options.repeats} runs each, ${profile.clock}).`,
      `The ceiling, measured before and after, is ${ceilings.map((c) => c.toFixed(1)).join(" and ")} GFLOP/s; the greater ` +
        `counts. Contractions reach ${(100 * share).toFixed(1)}% of it, weighted by time, ` +
        `and execute ${(100 * executedShare).toFixed(1)}% of it. They take ${percent(inContractions)} of the step, ` +
        `the transforms around them (Winograd's) ${percent(timeOf("transform"))}, all else ${percent(timeOf("map"))}.`,
      "Rates are of the operations that a kernel's definition asks for (Winograd's, where that was chosen); those executed " +
        "are more where a tile reaches beyond the edge. Bytes count each tensor that a kernel reads or writes once.",
    ],
    tables: [
      kernelTable("Contractions", contractions),
      kernelTable(
        "The rest",
        kernels.filter(({ contraction }) => !contraction),
      ),
    ],
    charts: [
      barChart({
        name: "contractions",
        title: `Contractions of ${model}, batch ${batch}: GFLOP/s, of a ceiling of ${ceiling.toFixed(0)}`,
        bars: contractions.map(({ name, gflops }) => ({ label: name, value: gflops })),
      }),
    ],
    data: {
      model,
      batch,
      algorithm,
      repeats: options.repeats,
      ceilings,
      step,
      clock: profile.clock,
      kernelMs: total,
      shareOfCeiling: share,
      executedShareOfCeiling: executedShare,
      shareOutsideContractions: (total - inContractions) / total,
      kernels,
    },
  };
};

/** Same name, same kernel: names are unique to a text, up to copies of it. */
function groupKernels(figures: readonly KernelFigures[], ceiling: number): KernelGroup[] {
  const total = figures.reduce((sum, { ms }) => sum + ms, 0);
  const byName = new Map<string, KernelFigures[]>();
  for (const figure of figures) byName.set(figure.name, [...(byName.get(figure.name) ?? []), figure]);
  return [...byName.values()]
    .map((same): KernelGroup => {
      const sum = (of: (figure: KernelFigures) => number) => same.reduce((n, figure) => n + of(figure), 0);
      const ms = sum((f) => f.ms);
      const executedGflops = sum((f) => f.executedGflops * f.ms) / ms;
      const gflops = sum((f) => f.operations) / (ms * 1e6);
      const bytes = sum((f) => f.bytes);
      return {
        name: same[0].name,
        dispatches: same.length,
        contraction: same[0].schedule.kind === "contraction",
        kind: `${same[0].schedule.kind}`,
        ms,
        gflops,
        shareOfCeiling: gflops / ceiling,
        executedGflops,
        executedShareOfCeiling: executedGflops / ceiling,
        bytes,
        gigabytesPerSecond: bytes / (ms * 1e6),
        shareOfTime: ms / total,
        schedule: same[0].schedule,
      };
    })
    .sort((a, b) => b.ms - a.ms);
}

const kernelTable = (title: string, kernels: readonly KernelGroup[]): Table => ({
  title,
  columns: [
    { title: "kernel" },
    { title: "dispatches" },
    { title: "ms", digits: 2 },
    { title: "% of the step", digits: 1 },
    { title: "GFLOP/s", digits: 1 },
    { title: "% of the ceiling", digits: 1 },
    { title: "GFLOP/s executed", digits: 1 },
    { title: "% of the ceiling", digits: 1 },
    { title: "MiB", digits: 1 },
    { title: "GB/s", digits: 1 },
    { title: "schedule" },
  ],
  rows: kernels.map((k) => [
    k.name,
    k.dispatches,
    k.ms,
    100 * k.shareOfTime,
    k.gflops,
    100 * k.shareOfCeiling,
    k.executedGflops,
    100 * k.executedShareOfCeiling,
    k.bytes / 2 ** 20,
    k.gigabytesPerSecond,
    Object.entries(k.schedule)
      .filter(([name]) => name !== "kind")
      .map(([name, value]) => `${name}=${value}`)
      .join(" "),
  ]),
});
