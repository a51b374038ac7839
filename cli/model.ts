/** MODEL: a model file, compiled in memory, or an artifact's folder. */
import { readFileSync, statSync } from "node:fs";
import { isAbsolute, relative } from "node:path";
import type { CompiledModel } from "../compiler/artifact.ts";
import type { Graph } from "../compiler/ir/graph.ts";
import type { StageProgram } from "../compiler/ir/stage.ts";
import type { ScheduleChoice } from "../compiler/schedule/index.ts";
import { isArtifact, readArtifact } from "../runtime/node/artifacts.ts";
import { fileError } from "../runtime/node/files.ts";
import { KilnError } from "../runtime/program/error.ts";
import type { Artifact, EntryName, Target } from "../runtime/program/schema.ts";
import { DiagnosedError } from "./errors.ts";
import type { ModelOptions, Settings } from "./options.ts";

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
  /** Compiles; an artifact's folder gives what it holds. */
  compile(needs: CompileNeeds): Promise<{ artifact: Artifact; model: CompiledModel | null; seconds: number }>;
}

/** Throws DiagnosedError for a model file with mistakes, KilnError where there is neither file nor artifact, or where the
 * options do not agree with the artifact. `usualBatch` is what a model file is compiled for where no option says. */
export async function openModel(path: string, options: ModelOptions, usualBatch?: number): Promise<OpenedModel> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
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
  const output = graph.outputs.find((o) => o.name === "output")!;
  return {
    name: graph.name,
    hash: graphHash(graph),
    batch: graph.inputs[0].value.type.shape[0],
    mode: graph.mode,
    classes: graph.classes ?? null,
    inputShape: graph.inputs[0].value.type.shape,
    outputShape: output.value.type.shape,
    hasParameters: graph.states.length > 0,
    stored: null,
    compile: (needs) => compileFile(graph, files, options, needs),
  };
}

async function compileFile(
  graph: Graph,
  files: ReadonlyMap<string, string>,
  options: ModelOptions,
  needs: CompileNeeds,
): ReturnType<OpenedModel["compile"]> {
  const { assemble, compileGraph, PlanError } = await import("../compiler/index.ts");
  const start = performance.now();
  try {
    const { placesFrom, ...rest } = needs;
    const { artifact, model } = compileGraph(placesFrom === undefined ? graph : withPlacesFrom(placesFrom, graph), {
      ...rest,
      algorithm: options.algorithm,
      settings: options.set,
    });
    const whole = await assemble(artifact);
    return { artifact: whole, model, seconds: (performance.now() - start) / 1000 };
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const { code, message, value } = error;
    const layer = graph.nodes.find((node) =>
      Object.values(node.outputs).some(({ name }) => value.name === name || value.name.startsWith(`${name}.`)),
    );
    const place = layer?.location && { ...layer.location, text: files.get(layer.location.file) };
    throw await diagnosed([{ code, message, place }]);
  }
}

async function diagnosed(diagnostics: DiagnosedError["diagnostics"]): Promise<DiagnosedError> {
  const { formatDiagnostics, wantsColor } = await import("../compiler/index.ts");
  const color = wantsColor(process.stderr, process.env);
  return new DiagnosedError(diagnostics, formatDiagnostics(diagnostics, { color }));
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
