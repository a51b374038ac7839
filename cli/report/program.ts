/** The report of a compiled model: from the compiler's stages to what the page shows. */
import type { CompiledModel } from "../../compiler/artifact.ts";
import type { ExprProgram } from "../../compiler/ir/expr.ts";
import type { FusedProgram } from "../../compiler/ir/fused.ts";
import { inputValues, outputValues } from "../../compiler/ir/graph.ts";
import { wholeOf } from "../../compiler/ir/parts.ts";
import { stepName } from "../../compiler/ir/plan.ts";
import { namedPasses } from "../../compiler/passList.ts";
import { bytesOf } from "../../compiler/plan/problem.ts";
import { type Artifact, isCopy } from "../../runtime/program/schema.ts";
import type { DumpIr } from "../dumpIr.ts";
import { mainEntry } from "../mainEntry.ts";
import type { LineRange, Measured, Report, ReportCode, ReportStep, Stage } from "./data.ts";
import { layersOf } from "./layers.ts";
import { LineTable, partsOf } from "./lines.ts";
import { originsOf } from "./origins.ts";
import { ValueTable } from "./values.ts";

export interface ReportSource {
  readonly artifact: Artifact;
  readonly model: CompiledModel;
  readonly dump: DumpIr;
  /** The text of the model file and of those it imports, by path. */
  readonly files: ReadonlyMap<string, string>;
  readonly measured?: Measured;
}

export function programReport({ artifact, model, dump, files, measured }: ReportSource): Report {
  const { name: entryName, entry } = mainEntry(model);
  const { graph, fused, plan } = entry;
  const { program } = artifact;
  const dumped = dump.passes(model);
  const table = new LineTable();
  const lastOf = (...stages: readonly Stage[]) => dumped.findLastIndex(({ result }) => stages.includes(result.stage));
  const texts = {
    nodes: lastOf("graph", "joint"),
    definitions: lastOf("expr"),
    groups: lastOf("fused"),
    kernels: lastOf("kernels"),
  };

  const { layers, layerOf, phaseOf } = layersOf(graph);
  const values = new ValueTable(graph, phaseOf, plan);
  const laidOut = dumped[texts.definitions].result as ExprProgram;
  const parts = {
    nodes: partsOf(dumped[texts.nodes].text, "%", graph.nodes.length),
    definitions: partsOf(dumped[texts.definitions].text, "%", laidOut.definitions.length),
    groups: partsOf(dumped[texts.groups].text, "group ", fused.groups.length),
    kernels: partsOf(dumped[texts.kernels].text, "kernel ", entry.problem.kernels.length),
  };
  const nodes = graph.nodes.map((node, n) => ({
    op: node.op,
    phase: phaseOf[n],
    layer: layerOf[n],
    inputs: inputValues(node).map(values.number),
    outputs: outputValues(node).map(values.number),
    line: parts.nodes[n][0],
  }));

  // The groups as they were fused, before a limit on memory made slices of some.
  const whole = dumped.findLast(({ pass }) => pass === "fit-textures")!.result as FusedProgram;
  const origins = new Map(originsOf(graph, laidOut, whole).map((origin, g) => [whole.groups[g].name, origin]));
  const groupOf = new Map(fused.groups.map((group, g) => [group.name, g]));
  const codes = new CodeTable(artifact, table);
  const emitted = program.entries[entryName]!.dispatches;
  const steps: ReportStep[] = [];
  for (const [i, step] of plan.dispatches.entries()) {
    const traffic = {
      reads: step.reads.map((v) => values.number(wholeOf(v))),
      writes: step.writes.map((v) => values.number(wholeOf(v))),
      bytes: [...step.reads, ...step.writes].reduce((sum, v) => sum + bytesOf(v), 0),
    };
    const { kernel } = step;
    if (!kernel) {
      steps.push({ ...copyStep, ...traffic, name: stepName(step) });
      continue;
    }
    const g = groupOf.get(kernel.copyOf ?? kernel.name)!;
    const { definitions, nodes: own } = origins.get(fused.groups[g].copyOf ?? fused.groups[g].name)!;
    // The op that gives a kernel its name: what others were fused into.
    const heart = own.find((n) => graph.nodes[n].op === kernel.ops[0]) ?? own[0];
    const dispatch = emitted[i];
    if (isCopy(dispatch)) throw new Error(`step ${i} runs ${kernel.name} in the plan, and copies in the artifact`);
    steps.push({
      ...traffic,
      name: kernel.name,
      copy: false,
      ops: kernel.ops,
      algorithm: kernel.algorithm ?? "direct",
      phase: phaseOf[heart],
      layer: layerOf[heart],
      nodes: own,
      places: kernel.locations,
      operations: kernel.operations,
      executedOperations: kernel.executedOperations ?? kernel.operations,
      workgroups: kernel.workgroups,
      workgroupSize: kernel.workgroupSize,
      schedule: kernel.schedule,
      definitions: definitions.map((d) => parts.definitions[d]),
      group: parts.groups[g],
      kernel: parts.kernels[entry.problem.kernels.indexOf(kernel)],
      code: codes.number(program.kernels[dispatch.kernel].file),
    });
  }
  steps.forEach((step, i) => {
    if (step.copy) steps[i] = { ...step, ...copyPlace(steps, i) };
  });
  const writer = new Map(steps.flatMap((step) => step.writes.map((value) => [value, step.layer] as const)));

  return {
    model: {
      name: program.model.name,
      mode: program.model.mode,
      batch: program.model.batch,
      target: program.target.name,
      algorithm: program.model.algorithm,
      entry: entryName,
      settings: program.model.settings,
      compiler: program.compiler,
    },
    plan: {
      arenas: plan.arenas,
      gpuTextures: plan.gpuTextures,
      arenaBytes: plan.arenaBytes,
      lowerBoundBytes: plan.lowerBoundBytes,
      persistentBytes: plan.persistentBytes,
    },
    files: [...files].map(([path, text]) => ({ path, text })),
    passes: dumped.map((pass) => ({
      name: pass.pass,
      summary: summaryOf(pass.pass),
      stage: pass.result.stage,
      text: table.add(pass.text),
    })),
    texts,
    codes: codes.codes,
    layers,
    nodes,
    values: values.values.map((value, v) => ({ ...value, layer: writer.get(v) ?? null })),
    steps,
    lines: table.lines,
    measured: measured ?? null,
  };
}

/** A copy into a texture computes nothing. */
const copyStep = {
  copy: true,
  ops: [],
  algorithm: "copy",
  phase: "forward" as const,
  layer: 0,
  nodes: [],
  places: [],
  operations: 0,
  executedOperations: 0,
  workgroups: [0, 0, 0] as const,
  workgroupSize: 0,
  schedule: {},
  definitions: [] as LineRange[],
  group: null,
  kernel: null,
  code: null,
};

/** A copy belongs where the kernel does that reads it next. */
function copyPlace(steps: readonly ReportStep[], copy: number): Pick<ReportStep, "phase" | "layer"> {
  const [texture] = steps[copy].writes;
  const { phase, layer } = steps.find((step, i) => i > copy && !step.copy && step.reads.includes(texture))!;
  return { phase, layer };
}

const summaryOf = (pass: string): string =>
  namedPasses.find(({ name }) => name === pass)?.summary ?? "The ops as the model file has them.";

/** Kernels' texts by file, each once. */
class CodeTable {
  readonly codes: ReportCode[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(
    private readonly artifact: Artifact,
    private readonly lines: LineTable,
  ) {}

  number(file: string): number {
    let number = this.#numbers.get(file);
    if (number === undefined) {
      number = this.codes.push({ file, text: this.lines.add(this.artifact.kernels[file]) }) - 1;
      this.#numbers.set(file, number);
    }
    return number;
  }
}
