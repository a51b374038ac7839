/** memory: whether a long training grows, and plans against their lower bounds over the zoo. */
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { PlanError } from "../../compiler/index.ts";
import { formatBytes } from "../../runtime/program/error.ts";
import type { MemorySample } from "../children/steps.ts";
import { lineChart } from "../report/chart.ts";
import { packagedModel, root } from "../report/paths.ts";
import type { BenchContext, Suite } from "../suite.ts";
import { childScript, measureInChild } from "./child.ts";
import { compileModel } from "./device.ts";

interface PlanFigures {
  readonly model: string;
  readonly mode: "train" | "infer";
  readonly batch: number;
  readonly dispatches: number;
  readonly arenaBytes: number;
  readonly lowerBoundBytes: number;
  readonly ratio: number;
  readonly persistentBytes: number;
}

/** After so many steps everything that stays has been allocated. */
const settledStep = 100;

export const memorySuite: Suite = async (context) => {
  const { options, adapterOption, say } = context;
  const model = options.model ?? packagedModel("lenet");
  const batch = options.batch ?? 64;
  say(`${options.steps} steps of ${model}, batch ${batch}`);
  const { found: samples } = await measureInChild<MemorySample[]>([
    ...["--expose-gc", childScript("steps"), model, `${batch}`, adapterOption, `${options.steps}`],
  ]);
  const settled = samples.find(({ step }) => step >= Math.min(settledStep, options.steps / 2))!;
  const growth = samples.at(-1)!.residentBytes - settled.residentBytes;
  const zoo = options.model
    ? [model]
    : readdirSync(join(root, "models"))
        .filter((file) => file.endsWith(".ts"))
        .map((file) => packagedModel(basename(file, ".ts")));
  const planned: (PlanFigures | PlanError)[] = [];
  for (const path of zoo)
    for (const mode of ["train", "infer"] as const) planned.push(await planOf(path, mode, batch, context));
  const plans = planned.filter((plan): plan is PlanFigures => !(plan instanceof PlanError));
  const refused = planned.flatMap((plan, i) =>
    plan instanceof PlanError ? [`${zoo[Math.floor(i / 2)]} has no plan: ${plan.message}`] : [],
  );
  return {
    summary: [
      `${options.steps} training steps of ${model} at batch ${batch}: resident memory after step ${settled.step} is ` +
        `${formatBytes(settled.residentBytes)}, at the end ${formatBytes(samples.at(-1)!.residentBytes)}: ` +
        `${growth < 0 ? "less by" : "more by"} ${formatBytes(Math.abs(growth))}.`,
      `Plans are for the target ${context.target.name}; where the batch does not fit its limits, the largest half of it that does.`,
      ...refused,
    ],
    tables: [
      {
        title: "Plans against their lower bounds",
        columns: [
          { title: "model" },
          { title: "mode" },
          { title: "batch" },
          { title: "dispatches" },
          { title: "arena, MiB", digits: 2 },
          { title: "lower bound, MiB", digits: 2 },
          { title: "ratio", digits: 3 },
          { title: "state, MiB", digits: 2 },
        ],
        rows: plans.map((p) => [
          ...[p.model, p.mode, p.batch, p.dispatches, p.arenaBytes / 2 ** 20, p.lowerBoundBytes / 2 ** 20, p.ratio],
          p.persistentBytes / 2 ** 20,
        ]),
      },
      {
        title: "Memory of the process while it trains, MiB",
        columns: [
          { title: "step" },
          { title: "resident", digits: 2 },
          { title: "JavaScript heap", digits: 2 },
          { title: "outside the heap", digits: 2 },
        ],
        rows: samples.map(({ step, residentBytes, heapBytes, externalBytes }) => [
          ...[step, residentBytes / 2 ** 20, heapBytes / 2 ** 20, externalBytes / 2 ** 20],
        ]),
      },
    ],
    charts: [
      lineChart({
        name: "steps",
        title: `Memory of the process over ${options.steps} steps of ${model}`,
        x: "step",
        y: "MiB",
        lines: [
          { label: "resident", points: samples.map(({ step, residentBytes }) => [step, residentBytes / 2 ** 20]) },
          { label: "JavaScript heap", points: samples.map(({ step, heapBytes }) => [step, heapBytes / 2 ** 20]) },
        ],
      }),
    ],
    data: { model, batch, steps: options.steps, settledStep: settled.step, growthBytes: growth, samples, plans },
  };
};

/** A PlanError where not even a single picture fits. */
async function planOf(
  model: string,
  mode: "train" | "infer",
  most: number,
  { target, options, say }: BenchContext,
): Promise<PlanFigures | PlanError> {
  const entry = mode === "train" ? "step" : "forward";
  for (let batch = most; ; batch = Math.floor(batch / 2)) {
    try {
      const settings = options.model ? options.set : {};
      const { algorithm } = options;
      const { program } = await compileModel(model, { target, batch, mode, settings, algorithm, entries: [entry] });
      const { arenaBytes, lowerBoundBytes, persistentBytes } = program;
      const dispatches = program.entries[entry]!.dispatches.length;
      say(`${model}, ${mode}, batch ${batch}: ${formatBytes(arenaBytes)}`);
      const ratio = lowerBoundBytes === 0 ? 1 : arenaBytes / lowerBoundBytes;
      return { model, mode, batch, dispatches, arenaBytes, lowerBoundBytes, ratio, persistentBytes };
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      if (batch === 1) return error;
    }
  }
}
