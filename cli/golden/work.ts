/** The work of a step: what decides how fast it can be, on any machine alike. */

import { stepName } from "../../compiler/ir/plan.ts";
import type { Value } from "../../compiler/ir/types.ts";
import type { CompiledEntry } from "../../compiler/pipeline.ts";
import { bytesOf } from "../../compiler/plan/problem.ts";

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const bytes = (values: readonly Value[]): number => sum(values.map(bytesOf));

/** As JSON: totals of the entry point, then a dispatch or a copy a line, in order. Bytes count each tensor of a dispatch once. */
export function workText({ plan }: CompiledEntry): string {
  const dispatches = plan.dispatches.map((dispatch) => {
    const { kind, ...parameters } = dispatch.kernel?.schedule ?? { kind: "copy" };
    const schedule = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
    const operations = dispatch.kernel?.operations ?? 0;
    return {
      kernel: stepName(dispatch),
      operations,
      executedOperations: dispatch.kernel?.executedOperations ?? operations,
      bytesRead: bytes(dispatch.reads),
      bytesWritten: bytes(dispatch.writes),
      schedule: [kind, ...schedule].join(" "),
    };
  });
  const total = (name: "operations" | "executedOperations" | "bytesRead" | "bytesWritten") =>
    `  "${name}": ${sum(dispatches.map((dispatch) => dispatch[name]))},`;
  return [
    "{",
    `  "dispatches": ${dispatches.length},`,
    ...(["operations", "executedOperations", "bytesRead", "bytesWritten"] as const).map(total),
    `  "kernels": [`,
    dispatches.map((dispatch) => `    ${JSON.stringify(dispatch)}`).join(",\n"),
    "  ]",
    "}\n",
  ].join("\n");
}
