/** plans: what the plans of the zoo take, against their lower bounds, on described targets; and what ordering kernels saves. */
import { PlanError, type StageProgram } from "../../../compiler/index.ts";
import type { KernelProgram } from "../../../compiler/ir/kernelProgram.ts";
import { planMemory } from "../../../compiler/plan/plan.ts";
import { planProblem } from "../../../compiler/plan/problem.ts";
import { formatBytes } from "../../../runtime/program/error.ts";
import type { Target } from "../../../runtime/program/schema.ts";
import type { Column, CompilerSuite, Table } from "../../suite.ts";
import { atLargestBatch, compileEntryOf, modelsOf, targetsOf, type ZooModel } from "../zoo.ts";
import { type Gap, gapOf } from "./gap.ts";

interface Variant {
  readonly mode: "train" | "infer";
  readonly algorithm: "auto" | "direct";
}

interface PlanFigures extends Variant {
  readonly target: string;
  readonly model: string;
  readonly batch: number;
  /** Kernels and copies into textures. */
  readonly steps: number;
  /** GPU buffers of the arena, and GPU textures. */
  readonly buffers: number;
  readonly textures: number;
  readonly planBytes: number;
  readonly lowerBoundBytes: number;
  readonly ratio: number;
  readonly gap: Gap;
  readonly persistentBytes: number;
  /** The lower bound with kernels in the order in which they are scheduled, and that as a multiple of the bound after `order`. */
  readonly unorderedBytes: number;
  readonly unorderedRatio: number;
}

const usualTargets = ["portable", "wasm", "lavapipe"];
const variants: readonly Variant[] = [
  { mode: "train", algorithm: "auto" },
  { mode: "train", algorithm: "direct" },
  { mode: "infer", algorithm: "auto" },
];

export const plansSuite: CompilerSuite = ({ options, say }) => {
  const plans: PlanFigures[] = [];
  /** Sentences; variants of a model mostly share one. */
  const refused = new Set<string>();
  const targets = targetsOf(options, usualTargets);
  for (const target of targets) {
    for (const model of modelsOf(options)) {
      for (const variant of variants) {
        const found = atLargestBatch(model, (model) => figuresOf(model, target, variant));
        if (found instanceof PlanError) refused.add(`${target.name}: ${model.model} has no plan: ${found.message}`);
        else plans.push(found);
        const bytes = found instanceof PlanError ? "no plan" : formatBytes(found.planBytes);
        say(`${target.name}: ${model.model}, ${variant.mode}, ${variant.algorithm}: ${bytes}`);
      }
    }
  }
  const on = (target: Target) => plans.filter((plan) => plan.target === target.name);
  return {
    summary: [
      "Arena and textures of the training step, or in infer mode of the forward pass; states are beside them. Where the " +
        "batch does not fit the target's limits, the largest half of it that does. The gap between plan and lower bound " +
        "is of packing, where the arena takes more than the most that is alive in it at once, or of textures, which " +
        "cannot share memory with the arena while the bound counts both at one moment.",
      "Peaks before `order` are lower bounds with kernels as `schedule` leaves them, in the graph's order. They count " +
        "copies in textures, which `order` does not see: below 1 it has lost more by these than it saved.",
      ...refused,
    ],
    tables: targets.filter((target) => on(target).length > 0).flatMap((target) => tablesOf(target, on(target))),
    charts: [],
    data: { plans, refused: [...refused] },
  };
};

function figuresOf(model: ZooModel, target: Target, variant: Variant): PlanFigures {
  let scheduled: KernelProgram | undefined;
  const { plan } = compileEntryOf(model, {
    ...variant,
    target,
    onPass: (entry, pass, program) => {
      if (entry !== "pictures" && pass === "schedule") scheduled = asKernels(program);
    },
  });
  if (!scheduled) throw new Error("no pass is called schedule: what goes into order is not known");
  const { lowerBoundBytes } = plan;
  const unorderedBytes = planMemory(planProblem(scheduled, target)).lowerBoundBytes;
  return {
    ...{ target: target.name, model: model.model, ...variant, batch: model.batch },
    ...{ steps: plan.dispatches.length, buffers: plan.arenas.length, textures: plan.gpuTextures.length },
    ...{
      planBytes: plan.arenaBytes,
      lowerBoundBytes,
      ratio: ratio(plan.arenaBytes, lowerBoundBytes),
      gap: gapOf(plan),
    },
    persistentBytes: plan.persistentBytes,
    ...{ unorderedBytes, unorderedRatio: ratio(unorderedBytes, lowerBoundBytes) },
  };
}

function asKernels(program: StageProgram): KernelProgram {
  if (program.stage !== "kernels") throw new Error(`schedule has made a program at stage ${program.stage}`);
  return program;
}

/** Of nothing, nothing is all. */
const ratio = (bytes: number, bound: number): number => (bound === 0 ? 1 : bytes / bound);

// ---------------------------------------------------------------- the report

const columnsOfModel: readonly Column[] = [
  { title: "model" },
  { title: "mode" },
  { title: "algorithm" },
  { title: "batch" },
];
const cellsOfModel = ({ model, mode, algorithm, batch }: PlanFigures) => [model, mode, algorithm, batch];
const mebibytes = (bytes: number): number => bytes / 2 ** 20;

function tablesOf(target: Target, plans: readonly PlanFigures[]): Table[] {
  return [
    {
      title: `Plans for ${target.name} against their lower bounds`,
      columns: [
        ...columnsOfModel,
        ...[{ title: "steps" }, { title: "buffers" }, { title: "textures" }],
        ...[
          { title: "plan, MiB", digits: 2 },
          { title: "lower bound, MiB", digits: 2 },
          { title: "ratio", digits: 3 },
        ],
        ...[
          { title: "gap of packing, MiB", digits: 2 },
          { title: "gap of textures, MiB", digits: 2 },
          { title: "gap" },
        ],
        { title: "state, MiB", digits: 2 },
      ],
      rows: plans.map((p) => [
        ...[...cellsOfModel(p), p.steps, p.buffers, p.textures],
        ...[mebibytes(p.planBytes), mebibytes(p.lowerBoundBytes), p.ratio],
        ...[mebibytes(p.gap.packingBytes), mebibytes(p.gap.textureBytes), causeOf(p.gap), mebibytes(p.persistentBytes)],
      ]),
    },
    {
      title: `What \`order\` saves on ${target.name}`,
      columns: [
        ...columnsOfModel,
        { title: "peak of live bytes before, MiB", digits: 2 },
        { title: "after, MiB", digits: 2 },
        { title: "before / after", digits: 3 },
      ],
      rows: plans.map((p) => [
        ...[...cellsOfModel(p), mebibytes(p.unorderedBytes), mebibytes(p.lowerBoundBytes), p.unorderedRatio],
      ]),
    },
  ];
}

function causeOf({ packingBytes, textureBytes }: Gap): string | null {
  const causes = [packingBytes > 0 ? "packing" : [], textureBytes > 0 ? "textures" : []].flat();
  return causes.join(" and ") || null;
}
