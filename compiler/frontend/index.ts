/** From a model file to its graph. The file is parsed and evaluated statically; nothing in it is ever executed. */
import { ts } from "ts-morph";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Graph, Mode } from "../ir/graph.ts";
import { BudgetExceeded } from "./budget.ts";
import { Machine } from "./machine.ts";
import { buildGraph, kilnExports } from "./modelCall.ts";
import { type ModelSource, type Module, Modules } from "./modules.ts";
import { placeBetween, placeOf, Reporter } from "./reporter.ts";
import { describe, ModelValue, Unknown } from "./values.ts";

export type { ModelSource } from "./modules.ts";

export interface ReadOptions {
  /** Pictures in a batch; 64 where not said. */
  readonly batch?: number;
  /** train where not said. */
  readonly mode?: Mode;
  /** `--set k=v`: text is read as what the setting's default is. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

export interface ReadResult {
  /** Where there are no diagnostics. */
  readonly graph?: Graph;
  /** Every mistake, each once, from top to bottom. */
  readonly diagnostics: readonly Diagnostic[];
  /** The text of every model file that was read, by path: what a graph depends on besides the options. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Reads a model file: the graph of its default export, or what is wrong with it. Mistakes are returned, not thrown.
 * Takes time linear in what the file describes, and gives up on what would take longer than a fraction of a second.
 */
export function readModel(source: ModelSource, options: ReadOptions = {}): ReadResult {
  const reporter = new Reporter();
  const created: ModelValue[] = [];
  const m = new Machine(reporter, kilnExports(created));
  const modules = new Modules(source, m);
  let graph: Graph | undefined;
  try {
    const module = modules.load(source.path);
    if (!module)
      reporter.report("KILN1004", { file: source.path, line: 1, column: 1 }, `there is no file ${source.path}`);
    else graph = evaluateModels(m, module, created, options);
  } catch (error) {
    reportGivenUp(m, source.path, modules, error);
  }
  const { diagnostics } = reporter;
  return { graph: diagnostics.length === 0 ? graph : undefined, diagnostics, files: modules.texts };
}

/** Evaluates every model that was made, since a mistake is one wherever it stands; the default export's graph. */
const evaluateModels = (
  m: Machine,
  module: Module,
  created: readonly ModelValue[],
  options: ReadOptions,
): Graph | undefined => {
  const main = defaultModel(m, module, created);
  const settings = new Map(Object.entries(options.settings ?? {}));
  const name = module.file.fileName.replace(/^.*\//, "").replace(/\.ts$/, "");
  let graph: Graph | undefined;
  // A model's function may make further models.
  for (let i = 0; i < created.length; i++) {
    const isMain = created[i] === main;
    const built = buildGraph(m, created[i], {
      name,
      mode: options.mode ?? "train",
      batch: options.batch ?? 64,
      settings: isMain ? settings : undefined,
    });
    if (isMain) graph = built;
  }
  return graph;
};

const howToExport = "write `export default model({ input: image(3, 224, 224), classes: 10 }, (x) => ...)`";

const defaultModel = (m: Machine, module: Module, created: readonly ModelValue[]): ModelValue | undefined => {
  if (module.broken) return undefined;
  const inner = module.exports.get("default");
  const value = inner === undefined ? undefined : module.scope.own(inner)?.value;
  if (value instanceof ModelValue) return value;
  if (value instanceof Unknown) return undefined;
  const { file } = module;
  const node = file.statements.find((s) => ts.isExportAssignment(s));
  if (inner !== undefined && node)
    m.report("KILN1009", node, `the default export is ${describe(value)}, but must be a model`, { help: howToExport });
  else {
    const own = created.find(({ call }) => call.getSourceFile() === file);
    const end = file.endOfFileToken.end;
    const place = own ? placeOf(own.call.expression) : placeBetween(file, end, end);
    m.reporter.report("KILN1009", place, `${file.fileName} has no default export`, {
      help: own ? "write `export default` before the model" : howToExport,
    });
  }
  return undefined;
};

/** The evaluation did not end in time, or went too deep for the stack. */
const reportGivenUp = (m: Machine, path: string, modules: Modules, error: unknown): void => {
  let reason: string;
  if (error instanceof RangeError && /call stack/.test(error.message))
    reason = "the file is nested too deeply to be read";
  else if (error instanceof BudgetExceeded) reason = error.reason;
  else throw error;
  if (error instanceof BudgetExceeded && error.reported) return;
  const place = { file: path, line: 1, column: 1, text: modules.texts.get(path) };
  m.reporter.report("KILN1008", place, reason, {
    help: "a model file describes layers; write it simpler",
  });
};
