/** compile: from a cold process to an artifact on disk, growth with depth, time to the first step, size of the runtime. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { formatDiagnostics, readModel } from "../../compiler/index.ts";
import type { Program } from "../../runtime/program/schema.ts";
import type { FirstStep } from "../children/firstStep.ts";
import type { Usage } from "../children/usage.ts";
import { lineChart } from "../report/chart.ts";
import { benchModel, packagedModel, root } from "../report/paths.ts";
import { growth, type Spread, spread } from "../statistics.ts";
import type { BenchContext, Suite } from "../suite.ts";
import { childScript, measureInChild } from "./child.ts";

interface Compiled {
  readonly model: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly batch: number;
  /** Of the graph as written. */
  readonly nodes: number;
  /** Of the training step. */
  readonly dispatches: number;
  readonly wallSeconds: Spread;
  readonly cpuSeconds: Spread;
  readonly peakBytes: number;
}

const usualDepths = [10, 50, 200, 1000];
const deepBatch = 8;

export const compileSuite: Suite = async (context) => {
  const { options, say } = context;
  const model = options.model ?? packagedModel("alexnet");
  const batch = options.batch ?? 64;
  const main = await compileCold(context, { model, settings: options.set, batch, repeats: options.repeats });
  const few = Math.min(options.repeats, 3);
  const others = options.model
    ? []
    : [await compileCold(context, { model: benchModel("resnet152"), settings: {}, batch: deepBatch, repeats: few })];
  const deep: Compiled[] = [];
  for (const depth of options.depths ?? usualDepths)
    deep.push(
      await compileCold(context, {
        model: benchModel("residual"),
        settings: { depth: `${depth}` },
        batch: deepBatch,
        repeats: few,
      }),
    );
  say(`the first step of ${model}`);
  const first = await firstSteps(context, model, batch);
  const bundle = await runtimeBundle();
  const [shallowest, deepest] = [deep[0], deep.at(-1)!];
  const exponent = growth(shallowest.nodes, shallowest.cpuSeconds.min, deepest.nodes, deepest.cpuSeconds.min);
  return {
    summary: [
      `A new process with \`kiln compile\`, all entry points, until the artifact lies on disk; compiled for the target ` +
        `${context.target.class}. ${model}: ${main.wallSeconds.min.toFixed(2)} s at least of ${options.repeats}, ` +
        `median ${main.wallSeconds.median.toFixed(2)} s.`,
      `The runtime (kiln/runtime), minified, is ${bundle.bytes} bytes, gzipped ${bundle.gzipBytes} ` +
        `(${(bundle.gzipBytes / 1024).toFixed(1)} KiB).`,
      ...(deep.length > 1
        ? [
            `From ${shallowest.nodes} to ${deepest.nodes} nodes processor time grows as nodes^${exponent.toFixed(2)}; 1 is linear.`,
          ]
        : []),
    ],
    tables: [
      compiledTable("Cold compilation", [main, ...others], (c) => `${c.model}, batch ${c.batch}`),
      compiledTable("Growth with depth (bench/models/residual.ts)", deep, (c) => `${c.settings.depth} layers`),
      firstStepTable(first),
    ],
    charts: [
      lineChart({
        name: "depth",
        title: "Compiling networks of growing depth, cold process",
        x: "nodes of the graph",
        y: "seconds",
        log: true,
        lines: [
          { label: "wall clock", points: deep.map((c) => [c.nodes, c.wallSeconds.min]) },
          { label: "processor time", points: deep.map((c) => [c.nodes, c.cpuSeconds.min]) },
        ],
      }),
    ],
    data: { target: context.target.class, main, others, deep, exponent, firstSteps: first, runtimeBundle: bundle },
  };
};

interface ColdRequest {
  readonly model: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly batch: number;
  readonly repeats: number;
}

async function compileCold({ target, options, say }: BenchContext, request: ColdRequest): Promise<Compiled> {
  const { model, settings, batch, repeats } = request;
  const sets = Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const folder = mkdtempSync(join(tmpdir(), "kiln-bench-"));
  const out = join(folder, "artifact");
  const [wall, cpu, peaks]: number[][] = [[], [], []];
  try {
    for (let i = 0; i < repeats; i++) {
      const { found, wallMs } = await measureInChild<Usage>([
        ...["--import", childScript("usage"), join(root, "bin", "kiln.js"), "compile", model, ...sets],
        ...["--batch", `${batch}`, "--target", target.class, "--algorithm", options.algorithm, "-o", out],
      ]);
      wall.push(wallMs / 1000);
      cpu.push(found.cpuSeconds);
      peaks.push(found.peakBytes);
      say(
        `${[model, ...sets].join(" ")}: ${(wallMs / 1000).toFixed(2)} s, ${found.cpuSeconds.toFixed(2)} s of processor`,
      );
    }
    const program = JSON.parse(readFileSync(join(out, "program.json"), "utf8")) as Program;
    return {
      ...{ model, settings, batch, nodes: nodesOf(request) },
      dispatches: program.entries.step!.dispatches.length,
      wallSeconds: spread(wall),
      cpuSeconds: spread(cpu),
      peakBytes: Math.max(...peaks),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function nodesOf({ model, settings, batch }: ColdRequest): number {
  const { graph, diagnostics } = readModel({ path: model, read: (p) => readFileSync(p, "utf8") }, { batch, settings });
  if (!graph) throw new Error(formatDiagnostics(diagnostics));
  return graph.nodes.length;
}

/** Whether the driver has compiled the kernels before: Mesa keeps what it compiled on disk. */
type Caches = "driver's cache off" | "driver's cache on";
type FirstSteps = readonly (FirstStep & { readonly caches: Caches })[];

async function firstSteps({ adapterOption, options }: BenchContext, model: string, batch: number): Promise<FirstSteps> {
  const run = async (caches: Caches) => {
    const env = { MESA_SHADER_CACHE_DISABLE: String(caches === "driver's cache off") };
    const args = [childScript("firstStep"), model, `${batch}`, adapterOption, options.algorithm];
    const { found } = await measureInChild<FirstStep>(args, { env });
    return { ...found, caches };
  };
  const cold = await run("driver's cache off");
  await run("driver's cache on"); // fills it
  return [cold, await run("driver's cache on")];
}

async function runtimeBundle(): Promise<{ bytes: number; gzipBytes: number }> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["runtime/index.ts"],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    write: false,
  });
  const [{ contents }] = outputFiles;
  return { bytes: contents.length, gzipBytes: gzipSync(contents, { level: 9 }).length };
}

// ---------------------------------------------------------------- the report

const compiledTable = (title: string, compiled: readonly Compiled[], name: (c: Compiled) => string) => ({
  title,
  columns: [
    { title: "network" },
    { title: "nodes" },
    { title: "dispatches of the step" },
    { title: "seconds, least", digits: 2 },
    { title: "median", digits: 2 },
    { title: "most", digits: 2 },
    { title: "processor seconds, least", digits: 2 },
    { title: "processor ms a node", digits: 2 },
    { title: "exponent from the row before", digits: 2 },
    { title: "peak MiB" },
  ],
  rows: compiled.map((c, i) => {
    const before = compiled[i - 1];
    const comparable = before !== undefined && before.model === c.model && before.nodes !== c.nodes;
    return [
      name(c),
      c.nodes,
      c.dispatches,
      c.wallSeconds.min,
      c.wallSeconds.median,
      c.wallSeconds.max,
      c.cpuSeconds.min,
      (1000 * c.cpuSeconds.min) / c.nodes,
      comparable ? growth(before.nodes, before.cpuSeconds.min, c.nodes, c.cpuSeconds.min) : null,
      c.peakBytes / 2 ** 20,
    ];
  }),
});

const firstStepTable = (first: FirstSteps) => ({
  title: "From the start of a process to the end of its first training step, ms",
  columns: [
    { title: "" },
    { title: "Node and modules" },
    { title: "device" },
    { title: "Kiln's compiler" },
    { title: "memory, pipelines, state" },
    { title: "first step" },
    { title: "of it the driver's compiling" },
    { title: "a later step" },
    { title: "in all" },
  ],
  rows: first.map((f) => [
    f.caches,
    f.start,
    f.device,
    f.compile,
    f.session,
    f.firstStep,
    Math.max(0, f.firstStep - f.laterStep),
    f.laterStep,
    f.start + f.device + f.compile + f.session + f.firstStep,
  ]),
});
