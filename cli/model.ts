/** MODEL: a model file or text IR, compiled in memory, or an artifact's folder. */
import { readFileSync, statSync } from "node:fs";
import { isAbsolute, relative } from "node:path";
import type { CompiledModel } from "../compiler/artifact.ts";
import type { Place } from "../compiler/diagnostics/diagnostic.ts";
import type { Graph } from "../compiler/ir/graph.ts";
import type { StageProgram } from "../compiler/ir/stage.ts";
import type { CompiledEntry } from "../compiler/pipeline.ts";
import type { ScheduleChoice } from "../compiler/schedule/index.ts";
import { isArtifact, readArtifact } from "../runtime/node/artifacts.ts";
import { fileError } from "../runtime/node/files.ts";
import { formatBytes, KilnError } from "../runtime/program/error.ts";
import type { Artifact, EntryName, Target } from "../runtime/program/schema.ts";
import { diagnosed, planDiagnosed } from "./diagnosed.ts";
import { UsageError } from "./errors.ts";
import { mainEntry } from "./mainEntry.ts";
import type { ModelOptions, Settings } from "./options.ts";
import { say } from "./output.ts";
import { readTextFile } from "./textFile.ts";

export interface CompileNeeds {
  readonly target: Target;
  /** The entry points wanted; all of the model's where not said. */
  readonly entries?: readonly EntryName[];
  /** Compile velocities in, so that there may be momentum. */
  readonly velocity?: boolean;
  /** Schedules other than the target's defaults. */
  readonly choose?: ScheduleChoice;
  /** Check what every pass made, and the artifact. */
  readonly verify?: boolean;
  readonly onPass?: (entry: EntryName | "pictures", pass: string, result: StageProgram) => void;
  /** The folder from which places in the model file are named; the current folder where not said. */
  readonly placesFrom?: string;
}

/** A model that was found to be in order, not compiled yet or compiled long ago. */
export interface OpenedModel {
  readonly name: string;
  /** What makes two models the same to a checkpoint. */
  readonly hash: string;
  readonly batch: number;
  readonly mode: "train" | "infer";
  readonly classes: number | null;
  /** [N, C, H, W] */
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  readonly hasParameters: boolean;
  /** The artifact where MODEL is one's folder. */
  readonly stored: Artifact | null;
  /** Where MODEL is text past the graph: it is one entry point alone, at this stage. */
  readonly stage?: Exclude<StageProgram["stage"], "graph">;
  /** Name of the target where that is settled: MODEL is text whose kernels are scheduled. */
  readonly scheduledFor?: string;
  /** The text of the model file and of those it imports, by path; none of an artifact's folder. */
  readonly files: ReadonlyMap<string, string>;
  /** Compiles; an artifact's folder gives what it holds. */
  compile(needs: CompileNeeds): Promise<{ artifact: Artifact; model: CompiledModel | null; seconds: number }>;
}

/** Throws DiagnosedError for a model file with mistakes, KilnError where there is neither file nor artifact, or where the
 * options do not agree with the artifact. `usualBatch` is what a model file is compiled for where no option says. */
export async function openModel(path: string, options: ModelOptions, usualBatch?: number): Promise<OpenedModel> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
  if (path.endsWith(".kir") && !isFolder) return openText(path, options);
  if (!isFolder) return openFile(path, { ...options, batch: options.batch ?? usualBatch });
  if (!(await isArtifact(path)))
    throw new KilnError("file", `${path} is a folder, but not an artifact's: there is no program.json in it`);
  return openArtifact(path, await readArtifact(path), options);
}

// ---------------------------------------------------------------- a model file

async function openFile(given: string, options: ModelOptions): Promise<OpenedModel> {
  const path = shownPath(given);
  const { readModel, graphHash } = await import("../compiler/index.ts");
  const { graph, diagnostics, files } = readModel(
    { path, read: readText },
    { batch: options.batch, mode: options.mode, settings: options.set },
  );
  if (!graph) throw await diagnosed(diagnostics);
  const placeOf = (tensor: string): Place | undefined => {
    const layer = graph.nodes.find((node) =>
      Object.values(node.outputs).some(({ name }) => tensor === name || tensor.startsWith(`${name}.`)),
    );
    return layer?.location && { ...layer.location, text: files.get(layer.location.file) };
  };
  return {
    ...figuresOf(graph, graphHash(graph)),
    files,
    compile: (needs) => planDiagnosed(placeOf, () => compiledGraph(graph, options, needs)),
  };
}

/** What is known of a program before it is compiled. */
const figuresOf = (program: Omit<Graph, "stage" | "nodes">, hash: string): Omit<OpenedModel, "compile"> => {
  const { shape } = program.inputs[0].value.type;
  return {
    name: program.name,
    hash,
    batch: shape[0],
    mode: program.mode,
    classes: program.classes ?? null,
    inputShape: shape,
    outputShape: program.outputs.find((o) => o.name === "output")?.value.type.shape ?? [],
    hasParameters: program.states.length > 0,
    stored: null,
    files: new Map(),
  };
};

// ---------------------------------------------------------------- text IR

/** A graph is a model like that of a model file; what the passes made of it is one entry point. */
async function openText(path: string, options: ModelOptions): Promise<OpenedModel> {
  const target = options.target === "adapter" ? undefined : options.target;
  const { program, placeOf } = await readTextFile(path, { target });
  const { compileProgram, entryOf, graphHash, programHash } = await import("../compiler/index.ts");
  const scheduledFor = "target" in program ? program.target : undefined;
  const figures = figuresOf(program, program.stage === "graph" ? graphHash(program) : programHash(program));
  const given = { batch: options.batch, mode: options.mode, ...(scheduledFor ? { target } : {}) };
  const says = { batch: figures.batch, mode: figures.mode, target: scheduledFor };
  for (const [option, value] of Object.entries(given))
    if (value !== undefined && value !== says[option as keyof typeof says])
      throw new UsageError(`--${option} ${value}: ${path} is for ${says[option as keyof typeof says]}`);
  if (options.set) throw new UsageError(`--set is for model files; in ${path} all settings have their values`);
  if (program.stage === "graph")
    return { ...figures, compile: (needs) => planDiagnosed(placeOf, () => compiledGraph(program, options, needs)) };
  if (options.memoryLimit !== undefined)
    throw new UsageError(
      `--memory-limit is for model files and graphs; ${path} is past them, at the stage ${program.stage}`,
    );
  const entry = entryOf(program);
  return {
    ...figures,
    stage: program.stage,
    scheduledFor,
    compile: async ({ target, entries = [entry] }) => {
      if (!entries.includes(entry) || entries.length > 1)
        throw new UsageError(
          `${path} is the entry point ${entry} alone, at the stage ${program.stage}; this takes ${entries.join(" and ")}`,
        );
      return planDiagnosed(placeOf, () =>
        timed(() => ({
          artifact: compileProgram(program, { target, algorithm: options.algorithm }),
          model: null,
        })),
      );
    },
  };
}

async function compiledGraph(
  graph: Graph,
  options: ModelOptions,
  { placesFrom, ...needs }: CompileNeeds,
): ReturnType<OpenedModel["compile"]> {
  const { compileGraph } = await import("../compiler/index.ts");
  const { memoryLimit, algorithm, set: settings } = options;
  const placed = placesFrom === undefined ? graph : withPlacesFrom(placesFrom, graph);
  const compiled = await timed(() => compileGraph(placed, { ...needs, algorithm, memoryLimit, settings }));
  if (memoryLimit !== undefined) say(describeLimit(mainEntry(compiled.model!).entry, memoryLimit));
  return compiled;
}

/** The assembled artifact that `compile` gives, and the time it took. */
async function timed(
  compile: () => { readonly artifact: Artifact; readonly model: CompiledModel | null },
): ReturnType<OpenedModel["compile"]> {
  const { assemble } = await import("../compiler/index.ts");
  const start = performance.now();
  const { artifact, model } = compile();
  return { artifact: await assemble(artifact), model, seconds: (performance.now() - start) / 1000 };
}

/** What keeping to a limit has cost, in a line. */
function describeLimit({ plan, recomputation }: CompiledEntry, limit: number): string {
  const { kernels, further, operations } = recomputation!;
  return (
    `Memory limit ${formatBytes(limit)}: the plan takes ${formatBytes(plan.arenaBytes)} (${plan.arenaBytes} bytes); ` +
    `${further === 0 ? `${kernels} kernels as without it` : `${kernels + further} kernels instead of ${kernels}`}, ` +
    `${(100 * (operations - 1)).toFixed(1)}% more operations`
  );
}

/** A model file's path as messages show it: relative where the file lies under the current folder. */
function shownPath(path: string): string {
  const near = relative("", path);
  const shown = isAbsolute(path) && (near.startsWith("..") || isAbsolute(near)) ? path : near;
  return shown.replaceAll("\\", "/");
}

/** The graph with its places named from another folder than the current one. */
function withPlacesFrom(folder: string, graph: Graph): Graph {
  const renamed = (file: string): string => relative(folder, file).replaceAll("\\", "/");
  const nodes = graph.nodes.map((node) =>
    node.location ? { ...node, location: { ...node.location, file: renamed(node.location.file) } } : node,
  );
  return { ...graph, nodes };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw fileError(path, "cannot be read", cause);
  }
}

// ---------------------------------------------------------------- an artifact's folder

async function openArtifact(folder: string, artifact: Artifact, options: ModelOptions): Promise<OpenedModel> {
  const { program } = artifact;
  const { model } = program;
  const differs: string[] = [];
  const agree = (option: string, given: unknown, compiled: unknown) => {
    if (given !== undefined && given !== compiled)
      differs.push(`--${option} ${given}: it was compiled with ${compiled}`);
  };
  agree("batch", options.batch, model.batch);
  agree("mode", options.mode, model.mode);
  agree("algorithm", options.algorithm, model.algorithm);
  agree("memory-limit", options.memoryLimit, model.memoryLimit ?? "no limit");
  if (options.target !== undefined && options.target !== "adapter")
    agree("target", options.target, program.target.name);
  for (const [name, value] of Object.entries(options.set ?? {}))
    if (!sameSetting(value, model.settings[name]))
      differs.push(`--set ${name}=${value}: it was compiled with ${settingsText(model.settings)}`);
  if (differs.length > 0)
    throw new KilnError(
      "usage",
      `${folder} is an artifact, and what it was compiled with cannot be changed any more; compile the model file anew.\n` +
        differs.map((line) => `  ${line}`).join("\n"),
    );
  return {
    name: model.name,
    hash: model.hash,
    batch: model.batch,
    mode: model.mode,
    classes: model.classes,
    inputShape: program.input.shape,
    outputShape: program.output.shape,
    hasParameters: program.state.some((state) => state.role !== "velocity"),
    stored: artifact,
    files: new Map(),
    compile: async () => ({ artifact, model: null, seconds: 0 }),
  };
}

/** 0.5 and "0.50" are the same setting. */
const sameSetting = (given: string, compiled: string | number | boolean | undefined): boolean =>
  compiled !== undefined && (given === String(compiled) || (given.trim() !== "" && Number(given) === Number(compiled)));

const settingsText = (settings: Settings | Readonly<Record<string, string | number | boolean>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ") || "no settings";
