/** memory: whether a long training grows. */
import { formatBytes } from "../../runtime/program/error.ts";
import type { MemorySample } from "../children/steps.ts";
import { lineChart } from "../report/chart.ts";
import { packagedModel } from "../report/paths.ts";
import type { Suite } from "../suite.ts";
import { childScript, measureInChild } from "./child.ts";

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
  return {
    summary: [
      `${options.steps} training steps of ${model} at batch ${batch}: resident memory after step ${settled.step} is ` +
        `${formatBytes(settled.residentBytes)}, at the end ${formatBytes(samples.at(-1)!.residentBytes)}: ` +
        `${growth < 0 ? "less by" : "more by"} ${formatBytes(Math.abs(growth))}.`,
    ],
    tables: [
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
    data: { model, batch, steps: options.steps, settledStep: settled.step, growthBytes: growth, samples },
  };
};
