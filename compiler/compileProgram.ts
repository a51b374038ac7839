/** From the program of one entry point, as text says it at any stage, to an artifact that has this entry point alone. */
import { createHash } from "node:crypto";
import { version } from "../package.json";
import type { Artifact, EntryName, Target } from "../runtime/program/schema.ts";
import { emitArtifact } from "./artifact.ts";
import type { Graph } from "./ir/graph.ts";
import type { PlannedProgram } from "./ir/kernelProgram.ts";
import type { StageProgram } from "./ir/stage.ts";
import type { Algorithm } from "./passes/algorithm.ts";
import { picturesGraph } from "./passes/entries.ts";
import { compileEntry, type PlannedEntry, plannedEntry, planProgram } from "./pipeline.ts";
import { print } from "./text/print.ts";

export interface ProgramOptions {
  readonly target: Target;
  readonly algorithm?: Algorithm;
}

/** Which entry point of an artifact a program is: told from what it takes and whether it replaces parameters. */
export function entryOf({ inputs, updates, states }: Omit<Graph, "stage" | "nodes">): EntryName {
  const kinds = new Set(inputs.map((i) => i.kind));
  if (kinds.has("gradient")) return "update";
  if (kinds.has("cotangent")) return "gradientsFromCotangent";
  if (!kinds.has("labels")) return "forward";
  const parameters = new Set(states.filter((s) => s.role === "parameter").map((s) => s.value));
  return updates.some(({ state }) => parameters.has(state)) ? "step" : "gradients";
}

/**
 * Runs the passes that are left and emits the artifact; a `joint` graph is taken as the pipeline's, an `expr` program as
 * its `dead-definitions` gives it. Throws PlanError where the target cannot hold one of its tensors.
 */
export function compileProgram(program: StageProgram, { target, algorithm = "auto" }: ProgramOptions): Artifact {
  const planned = planProgram(program, { target, algorithm });
  const entry = entryOf(program);
  return emitArtifact(
    { graph: program, entries: { [entry]: plannedEntry(planned, target) }, pictures: picturesFor(planned, target) },
    {
      target,
      velocity: program.states.some((s) => s.role === "velocity"),
      algorithm,
      settings: {},
      hash: programHash(program),
      compiler: `kiln ${version}`,
    },
  );
}

/** What makes two programs the same. */
export const programHash = (program: StageProgram): string =>
  createHash("sha256").update(print(program)).digest("hex").slice(0, 32);

/** What fills the input from pictures; nothing where none comes in, or where it does not lie as the compiler lays it. */
function picturesFor(program: PlannedProgram, target: Target): PlannedEntry | undefined {
  const input = program.inputs.find((i) => i.kind === "input")?.value;
  if (!input) return undefined;
  const graph = picturesGraph(program, target.limits.maxStorageBufferBindingSize);
  const entry = compileEntry(graph, { target });
  return `${entry.program.layouts.get(input)}` === `${program.layouts.get(input)}` ? entry : undefined;
}
