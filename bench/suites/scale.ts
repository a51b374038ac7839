/** scale: step time and plan bytes against batch and depth. */
import { PlanError } from "../../compiler/index.ts";
import { openDevice } from "../../runtime/node/device.ts";
import { KilnError } from "../../runtime/program/error.ts";
import type { Artifact } from "../../runtime/program/schema.ts";
import { createSession } from "../../runtime/session.ts";
import { lineChart } from "../report/chart.ts";
import { benchModel, packagedModel } from "../report/paths.ts";
import type { Spread } from "../statistics.ts";
import type { Suite, Table } from "../suite.ts";
import { compileModel, pictureSize, timeSteps } from "./device.ts";

interface ScalePoint {
  readonly batch: number;
  readonly depth: number | null;
  readonly ms: Spread;
  readonly msPerPicture: number;
  readonly dispatches: number;
  readonly planBytes: number;
  readonly lowerBoundBytes: number;
  readonly allocatedBytes: number;
}

interface Series {
  readonly model: string;
  readonly points: readonly ScalePoint[];
  /** Why it ended before the largest wanted. */
  readonly ended: string | null;
}

/** AlexNet until a limit of the adapter ends it. */
const mostBatch = { alexnet: 1024, lenet: 1024 };
const usualDepths = [10, 50, 200];
const depthBatch = 16;

export const scaleSuite: Suite = async ({ options, adapterOption, say }) => {
  const opened = await openDevice({ adapter: adapterOption });
  const { device, target } = opened;

  const measure = async (
    model: string,
    batch: number,
    settings: Readonly<Record<string, string>>,
  ): Promise<ScalePoint> => {
    const artifact: Artifact = await compileModel(model, {
      target,
      batch,
      settings,
      algorithm: options.algorithm,
      entries: ["step"],
    });
    const session = await createSession(device, artifact, { entries: ["step"], pictures: pictureSize });
    try {
      const ms = await timeSteps(session, options.repeats);
      const entry = artifact.program.entries.step!;
      say(`${model}, ${Object.values(settings).join()} batch ${batch}: ${ms.min.toFixed(1)} ms`);
      return {
        batch,
        depth: settings.depth === undefined ? null : Number(settings.depth),
        ms,
        msPerPicture: ms.min / batch,
        dispatches: entry.dispatches.length,
        planBytes: entry.arenaBytes,
        lowerBoundBytes: entry.lowerBoundBytes,
        allocatedBytes: session.memory.totalBytes,
      };
    } finally {
      session.destroy();
    }
  };

  const overBatches = async (model: string, most: number): Promise<Series> => {
    const points: ScalePoint[] = [];
    for (let batch = 1; batch <= most; batch *= 2) {
      try {
        points.push(await measure(model, batch, options.set));
      } catch (error) {
        const limit = error instanceof PlanError || (error instanceof KilnError && error.kind === "out-of-memory");
        if (!limit || points.length === 0) throw error;
        return { model, points, ended: `batch ${batch}: ${error.message}` };
      }
    }
    return { model, points, ended: null };
  };

  const batches: Series[] = [];
  if (options.model) batches.push(await overBatches(options.model, options.batch ?? mostBatch.lenet));
  else
    for (const [name, most] of Object.entries(mostBatch))
      batches.push(await overBatches(packagedModel(name), Math.min(most, options.batch ?? most)));
  const depths: ScalePoint[] = [];
  for (const depth of options.depths ?? usualDepths)
    depths.push(
      await measure(benchModel("residual"), Math.min(depthBatch, options.batch ?? depthBatch), { depth: `${depth}` }),
    );
  device.destroy();

  return {
    summary: [
      `The least time of ${options.repeats} training steps, from handing over a batch of pictures to having read its ` +
        "loss, and the bytes of the plan beside the parameters.",
      ...batches.flatMap(({ model, points, ended }) => [
        ...perPicture(model, points),
        ...(ended ? [`${model} ends at ${ended}`] : []),
      ]),
    ],
    tables: [
      ...batches.map(({ model, points }) => scaleTable(`${model} against batch`, "batch", points, (p) => p.batch)),
      scaleTable(
        `bench/models/residual.ts at batch ${depths[0].batch} against depth`,
        "layers",
        depths,
        (p) => p.depth,
      ),
    ],
    charts: [
      lineChart({
        name: "batch",
        title: "Time of a picture in a training step",
        x: "pictures a batch",
        y: "ms a picture",
        log: true,
        lines: batches.map(({ model, points }) => ({
          label: model,
          points: points.map(({ batch, msPerPicture }) => [batch, msPerPicture]),
        })),
      }),
      lineChart({
        name: "memory",
        title: "Bytes of the plan",
        x: "pictures a batch",
        y: "MiB",
        log: true,
        lines: batches.map(({ model, points }) => ({
          label: model,
          points: points.map(({ batch, planBytes }) => [batch, planBytes / 2 ** 20]),
        })),
      }),
      lineChart({
        name: "depth",
        title: "A training step against depth",
        x: "layers",
        y: "ms",
        log: true,
        lines: [{ label: "step", points: depths.map(({ depth, ms }) => [depth!, ms.min]) }],
      }),
    ],
    data: { repeats: options.repeats, batches, depths },
  };
};

/** From this batch on a picture must not become dearer. */
const settledBatch = 16;

function perPicture(model: string, points: readonly ScalePoint[]): string[] {
  const settled = points.find(({ batch }) => batch === settledBatch);
  const beyond = points.filter(({ batch }) => batch > settledBatch);
  if (!settled || beyond.length === 0) return [];
  const dearest = beyond.reduce((a, b) => (b.msPerPicture > a.msPerPicture ? b : a));
  return [
    `${model}: beyond batch ${settledBatch} (${settled.msPerPicture.toFixed(3)} ms a picture) the dearest picture is that ` +
      `of batch ${dearest.batch}, ${dearest.msPerPicture.toFixed(3)} ms, ${(dearest.msPerPicture / settled.msPerPicture).toFixed(3)} times as much.`,
  ];
}

const scaleTable = (
  title: string,
  what: string,
  points: readonly ScalePoint[],
  of: (point: ScalePoint) => number | null,
): Table => ({
  title,
  columns: [
    { title: what },
    { title: "ms, least", digits: 1 },
    { title: "median", digits: 1 },
    { title: "most", digits: 1 },
    { title: "ms a picture", digits: 3 },
    { title: "dispatches" },
    { title: "plan, MiB", digits: 2 },
    { title: "lower bound, MiB", digits: 2 },
    { title: "allocated in all, MiB", digits: 2 },
  ],
  rows: points.map((p) => [
    ...[of(p), p.ms.min, p.ms.median, p.ms.max, p.msPerPicture, p.dispatches],
    ...[p.planBytes, p.lowerBoundBytes, p.allocatedBytes].map((bytes) => bytes / 2 ** 20),
  ]),
});
