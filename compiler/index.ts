/**
 * kiln/compiler: from a model file to an artifact. Pure: reads files through the function it is given, opens no device.
 *
 * ```ts
 * const result = compile({ path: "model.ts", read: (p) => fs.readFileSync(p, "utf8") }, { target: loadTarget("portable") });
 * if (!result.artifact) throw new Error(formatDiagnostics(result.diagnostics));
 * ```
 */
import type { Artifact, EntryName, Program, Target } from "../runtime/program/schema.ts";
import type { CompiledModel } from "./artifact.ts";
import { compileGraph } from "./compileGraph.ts";
import type { Diagnostic } from "./diagnostics/diagnostic.ts";
import { type ModelSource, readModel } from "./frontend/index.ts";
import type { Mode } from "./ir/graph.ts";
import type { StageProgram } from "./ir/stage.ts";
import type { TileChoice } from "./passes/algorithm.ts";
import type { ScheduleChoice } from "./schedule/index.ts";
import { loadTarget } from "./target/targets.ts";

export interface CompileOptions {
  /** Pictures in a batch; 64 where not said. */
  readonly batch?: number;
  /** train where not said: all entry points. infer: `forward` alone. */
  readonly mode?: Mode;
  /** Values of the model function's default parameters (`--set`). */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** `portable` where not said. */
  readonly target?: Target;
  readonly algorithm?: Program["model"]["algorithm"];
  /** Keep velocities, so that training may have momentum. */
  readonly velocity?: boolean;
  /** The entry points wanted; all where not said. */
  readonly entries?: readonly EntryName[];
  /** Schedules other than the target's defaults. */
  readonly choose?: ScheduleChoice;
  /** Winograd tiles other than the cheapest, or none. */
  readonly chooseTile?: TileChoice;
  /** Called after each pass of each entry point. */
  readonly onPass?: (entry: EntryName | "pictures", pass: string, result: StageProgram) => void;
  /** Check after every pass that what it made is right; throws InvalidStage, which is a fault of the compiler. */
  readonly verify?: boolean;
}

export interface CompileResult {
  /** Mistakes in the model file; with any, there is no artifact. */
  readonly diagnostics: readonly Diagnostic[];
  readonly artifact?: Artifact;
  /** Every entry point at every stage, for inspection. */
  readonly model?: CompiledModel;
}

/** Compiles a model file. Throws PlanError where the target cannot hold one of its tensors. */
export function compile(source: ModelSource, options: CompileOptions = {}): CompileResult {
  const { batch, mode, settings, target = loadTarget("portable"), ...rest } = options;
  const { graph, diagnostics } = readModel(source, { batch, mode, settings });
  if (!graph) return { diagnostics };
  const { model, artifact } = compileGraph(graph, { target, settings, ...rest });
  return { diagnostics, artifact, model };
}

export { type CompiledModel, emitArtifact } from "./artifact.ts";
export { compileGraph, graphHash } from "./compileGraph.ts";
export { compileProgram, entryOf, programHash } from "./compileProgram.ts";
export {
  type Diagnostic,
  diagnosticsToJson,
} from "./diagnostics/diagnostic.ts";
export { formatDiagnostic, formatDiagnostics, wantsColor } from "./diagnostics/format.ts";
export { type ModelSource, readModel } from "./frontend/index.ts";
export type { StageProgram } from "./ir/stage.ts";
export { InvalidStage } from "./passes/pass.ts";
export { namedPasses, PassListError, runPasses } from "./passList.ts";
export { type CompiledEntry, programProblems } from "./pipeline.ts";
export { PlanError } from "./plan/error.ts";
export { planToJson } from "./plan/json.ts";
export { choiceFrom, type TuningRecord } from "./schedule/records.ts";
export { loadTarget, targets } from "./target/targets.ts";
export { TextError } from "./text/lexer.ts";
export { parse } from "./text/parse.ts";
export { print } from "./text/print.ts";
export { assemble } from "./wasm/assemble.ts";
