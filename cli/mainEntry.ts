/** The entry point that figures, plan and dumps of a model are of: the step, where it has one. */
import type { CompiledModel } from "../compiler/artifact.ts";
import type { CompiledEntry } from "../compiler/pipeline.ts";
import type { EntryName, Program } from "../runtime/program/schema.ts";

const order = (mode: "train" | "infer"): readonly EntryName[] =>
  mode === "infer" ? ["forward"] : ["step", "gradientsFromCotangent", "gradients", "forward"];

export function mainEntryName(program: Program): EntryName {
  return order(program.model.mode).find((name) => program.entries[name])!;
}

/** The entry points to compile where that one is all that is wanted. */
export const mainEntriesOf = (model: {
  readonly mode: "train" | "infer";
  readonly classes: number | null;
}): EntryName[] =>
  model.mode === "infer" ? ["forward"] : [model.classes === null ? "gradientsFromCotangent" : "step"];

export function mainEntry(model: CompiledModel): { name: EntryName; entry: CompiledEntry } {
  const name = order(model.graph.mode).find((name) => model.entries[name])!;
  return { name, entry: model.entries[name]! };
}
