/** Models whose plans are tabled, compiled for described targets. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import {
  type CompiledEntry,
  type CompileOptions,
  compile,
  formatDiagnostics,
  loadTarget,
  PlanError,
} from "../../compiler/index.ts";
import type { Target } from "../../runtime/program/schema.ts";
import { packagedModel, root } from "../report/paths.ts";
import type { BenchOptions } from "../suite.ts";

/** The models of models/, by name. */
export const zooNames: readonly string[] = readdirSync(join(root, "models"))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => basename(file, ".ts"))
  .sort();

const standardBatch = 64;

export interface ZooModel {
  readonly model: string;
  readonly settings: BenchOptions["set"];
  /** Pictures a batch, where they fit. */
  readonly batch: number;
}

/** The model that the options name, or those of the zoo that they do. */
export const modelsOf = ({ model, set, batch = standardBatch, zoo = zooNames }: BenchOptions): readonly ZooModel[] =>
  model ? [{ model, settings: set, batch }] : zoo.map((name) => ({ model: packagedModel(name), settings: {}, batch }));

/** The targets that the options name, or a suite's own. */
export const targetsOf = ({ targets }: BenchOptions, own: readonly string[]): readonly Target[] =>
  (targets ?? own).map(loadTarget);

export type EntryOptions = Pick<CompileOptions, "target" | "algorithm" | "mode" | "memoryLimit" | "onPass">;

/**
 * A model's training step, or in infer mode its forward pass, at every stage. Throws an Error with the model file's
 * mistakes, or PlanError.
 */
export function compileEntryOf({ model, settings, batch }: ZooModel, options: EntryOptions): CompiledEntry {
  const entry = options.mode === "infer" ? "forward" : "step";
  const source = { path: model, read: (path: string) => readFileSync(path, "utf8") };
  const compiled = compile(source, { ...options, settings, batch, entries: [entry] });
  if (!compiled.model) throw new Error(formatDiagnostics(compiled.diagnostics));
  return compiled.model.entries[entry]!;
}

/** What `measure` gives for the model's batch, or the largest half of it that the target holds; why, where it holds none. */
export function atLargestBatch<Found>(model: ZooModel, measure: (model: ZooModel) => Found): Found | PlanError {
  for (let batch = model.batch; ; batch = Math.floor(batch / 2)) {
    try {
      return measure({ ...model, batch });
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      if (batch === 1) return error;
    }
  }
}
