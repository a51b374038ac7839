/** Compiles a model's graph for a target: every entry point, then the artifact. */
import { createHash } from "node:crypto";
import { version } from "../package.json";
import type { Artifact, EntryName, Program, Target } from "../runtime/program/schema.ts";
import { type CompiledModel, emitArtifact } from "./artifact.ts";
import type { Graph } from "./ir/graph.ts";
import type { StageProgram } from "./ir/stage.ts";
import type { TileChoice } from "./passes/algorithm.ts";
import { buildEntries } from "./passes/entries.ts";
import { InvalidStage } from "./passes/pass.ts";
import { compileEntry } from "./pipeline.ts";
import { checkEntry } from "./plan/checkEntry.ts";
import type { ScheduleChoice } from "./schedule/index.ts";
import { ScheduleMemo } from "./schedule/memo.ts";
import { print } from "./text/print.ts";

export interface GraphOptions {
  readonly target: Target;
  readonly velocity?: boolean;
  readonly algorithm?: Program["model"]["algorithm"];
  readonly settings?: Program["model"]["settings"];
  readonly choose?: ScheduleChoice;
  readonly chooseTile?: TileChoice;
  /** The entry points wanted; all that the model has where not said. */
  readonly entries?: readonly EntryName[];
  readonly onPass?: (entry: EntryName | "pictures", pass: string, result: StageProgram) => void;
  /** Check after every pass, and the artifact at the end, that what was made is right; throws InvalidStage. */
  readonly verify?: boolean;
}

export interface Compilation {
  readonly model: CompiledModel;
  readonly artifact: Artifact;
}

/**
 * Compiles a graph: every entry point wanted through all passes, then the artifact.
 * Throws PlanError where the target cannot hold one of its tensors.
 */
export function compileGraph(graph: Graph, options: GraphOptions): Compilation {
  const { target, choose, chooseTile, velocity = false, onPass, verify = false, algorithm = "auto" } = options;
  const pictureBytes = target.limits.maxStorageBufferBindingSize;
  const graphs = buildEntries(graph, { velocity, pictureBytes }, { onPass, verify });
  const wanted: readonly EntryName[] =
    options.entries ??
    (graph.mode === "infer" ? ["forward"] : ["step", "forward", "gradients", "gradientsFromCotangent", "update"]);
  const memo = new ScheduleMemo();
  const compile = (name: EntryName | "pictures", g: Graph) =>
    compileEntry(g, {
      target,
      choose,
      memo,
      verify,
      algorithm,
      chooseTile,
      onPass: onPass && ((pass, result) => onPass(name, pass, result)),
    });
  const entries: CompiledModel["entries"] = {};
  for (const name of wanted) {
    const g = graphs[name];
    if (g) entries[name] = compile(name, g);
  }
  const model: CompiledModel = { graph, entries, pictures: compile("pictures", graphs.pictures) };
  const artifact = emitArtifact(model, {
    target,
    velocity,
    algorithm,
    settings: options.settings ?? {},
    hash: graphHash(graph),
    compiler: `kiln ${version}`,
  });
  if (verify) {
    const { program } = artifact;
    const problems = Object.values(program.entries).flatMap((entry) => checkEntry(program, entry));
    if (problems.length > 0) throw new InvalidStage("the artifact's emission", problems);
  }
  return { model, artifact };
}

/** What makes two models the same to a checkpoint: ops, options, shapes and names, but not where they stand in a file. */
export function graphHash(graph: Graph): string {
  const bare = { ...graph, nodes: graph.nodes.map((n) => ({ ...n, location: undefined })) };
  return createHash("sha256").update(print(bare)).digest("hex").slice(0, 32);
}
