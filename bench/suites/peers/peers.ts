/** peers: the same network, weights and batch in other libraries, in one interleaved run. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDiagnostics, readModel } from "../../../compiler/index.ts";
import type { Graph } from "../../../compiler/ir/graph.ts";
import { writeFileAtomically } from "../../../runtime/node/files.ts";
import { threadCount } from "../../../runtime/node/wasm.ts";
import { initialValues } from "../../../runtime/program/initialize.ts";
import { uniform } from "../../../runtime/program/random.ts";
import { f32, formatSafetensors } from "../../../runtime/program/safetensors.ts";
import type { Job, Task } from "../../peers/protocol.ts";
import { barChart } from "../../report/chart.ts";
import { packagedModel } from "../../report/paths.ts";
import type { BenchContext, Chart, Suite, Table } from "../../suite.ts";
import { type Comparison, compareTask, type PeerFigures } from "./compare.ts";
import { kiln, type PeerDefinition, peers } from "./definitions.ts";
import { layersOf } from "./layers.ts";

/** More than rounding of float32 explains: the peer does the same work, but its numbers are others, and its row says so. */
const tolerance = 1e-3;
const learningRate = 0.01;

export const peerNames: readonly string[] = peers.map(({ name }) => name);

const tasks: readonly Task[] = ["forward", "step"];

export const peersSuite: Suite = async (context) => {
  const { options, say } = context;
  const wanted = options.peers ? peers.filter(({ name }) => options.peers!.includes(name)) : peers;
  const standard = options.batch ?? 64;
  const batchOf = ({ name }: PeerDefinition) => options.peerBatch[name] ?? standard;
  const folder = mkdtempSync(join(tmpdir(), "kiln-bench-"));
  try {
    const jobs = new Map<number, Omit<Job, "task">>();
    for (const batch of new Set([kiln, ...wanted].map(batchOf)))
      jobs.set(batch, await prepareJob(context, batch, folder));
    const comparisons: Comparison[] = [];
    for (const task of tasks)
      comparisons.push(
        await compareTask(task, wanted, {
          repeats: options.repeats,
          peerLimit: options.peerLimit,
          batchOf,
          jobOf: (task, batch) => ({ ...jobs.get(batch)!, task }),
          say,
        }),
      );
    return {
      summary: [explanation(options.repeats, jobs.get(standard)!.model), ...comparisons.flatMap(ratios)],
      tables: comparisons.map(table),
      charts: comparisons.flatMap(chart),
      data: { model: jobs.get(standard)!.model, batch: standard, repeats: options.repeats, comparisons },
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** Writes weights and a batch for all peers alike, and says what is to be run. */
async function prepareJob({ options, adapterOption }: BenchContext, batch: number, folder: string) {
  const model = options.model ?? packagedModel("alexnet");
  const { graph, diagnostics } = readModel(
    { path: model, read: (path) => readFileSync(path, "utf8") },
    { batch, mode: "train", settings: options.set },
  );
  if (!graph) throw new Error(formatDiagnostics(diagnostics));
  if (graph.classes === undefined) throw new Error(`${model} has no classes: the peers train on labels`);
  const [weightsFile, batchFile] = [join(folder, "weights.safetensors"), join(folder, `batch-${batch}.safetensors`)];
  await writeFileAtomically(weightsFile, formatSafetensors(weightsOf(graph)));
  const { shape } = graph.inputs[0].value.type;
  const input = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < input.length; i++) input[i] = 2 * uniform(1, 1, i, 0) - 1;
  const labels = Int32Array.from({ length: batch }, (_, i) => i % graph.classes!);
  await writeFileAtomically(
    batchFile,
    formatSafetensors([
      ["input", f32(shape, input)],
      ["labels", { dtype: "I32", shape: [batch], data: labels }],
    ]),
  );
  return {
    batch,
    layers: layersOf(graph),
    classes: graph.classes,
    learningRate,
    weightsFile,
    batchFile,
    adapter: adapterOption,
    model,
    settings: options.set,
    algorithm: options.algorithm,
    threads: threadCount(),
  };
}

const weightsOf = (graph: Graph) =>
  graph.states.map(({ value, initializer }, ordinal) => {
    const { shape } = value.type;
    return [value.name, f32(shape, initialValues({ name: value.name, shape, initializer }, 1, ordinal))] as const;
  });

// ---------------------------------------------------------------- the report

const explanation = (repeats: number, model: string): string =>
  `${model}, the same weights and batch in every library, each in a process of its own; one runs at a time, in turn, ` +
  `${repeats} rounds after warming up. A run ends when its result, the outputs or the loss, has arrived in the ` +
  "program. Ratios are of runs of the same round. The difference is that of the outputs, or of the losses of all steps " +
  "(SGD), from Kiln's, relative to the largest.";

/** "A step of Kiln takes 0.66 of PyTorch's time (0.61 to 0.70)" */
const ratios = ({ task, peers }: Comparison): string[] =>
  peers
    .filter(({ timesKiln }) => timesKiln !== null)
    .map(({ title, batch, timesKiln }) => {
      const { min, median, max } = timesKiln!;
      return (
        `${task === "step" ? "A training step" : "A forward pass"} of Kiln takes ${(1 / median).toPrecision(3)} of the ` +
        `time of ${title} at batch ${batch} (${(1 / max).toPrecision(3)} to ${(1 / min).toPrecision(3)}).`
      );
    });

function table({ task, peers }: Comparison): Table {
  return {
    title: task === "step" ? "Training step" : "Forward pass",
    columns: [
      { title: "library" },
      { title: "version" },
      { title: "batch" },
      { title: "ms, least" },
      { title: "median" },
      { title: "most" },
      { title: "times Kiln's, least", digits: 2 },
      { title: "median", digits: 2 },
      { title: "most", digits: 2 },
      { title: "difference" },
      { title: "remark" },
    ],
    rows: peers.map((peer) => [
      peer.title,
      Object.entries(peer.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", ") || null,
      peer.batch,
      peer.ms?.min ?? null,
      peer.ms?.median ?? null,
      peer.ms?.max ?? null,
      peer.timesKiln?.min ?? null,
      peer.timesKiln?.median ?? null,
      peer.timesKiln?.max ?? null,
      peer.difference === null ? null : peer.difference.toExponential(1),
      remarkOf(peer),
    ]),
  };
}

const remarkOf = ({ task, remark, difference }: PeerFigures): string | null =>
  difference === null || difference <= tolerance
    ? remark
    : `its ${task === "step" ? "losses" : "outputs"} differ by more than rounding explains`;

function chart({ task, peers }: Comparison): Chart[] {
  const shown = peers.filter(({ timesKiln, ms, name }) => ms && (timesKiln || name === "kiln"));
  if (shown.length < 2) return [];
  return [
    barChart({
      name: task,
      title: `${task === "step" ? "Training step" : "Forward pass"}: time of a picture, ms (least of the rounds)`,
      log: true,
      bars: shown.map(({ title, batch, ms }) => ({ label: `${title}, batch ${batch}`, value: ms!.min / batch })),
    }),
  ];
}
