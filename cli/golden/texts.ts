/** A compiled model as text: the files that its goldens hold beside numbers. */
import { createHash } from "node:crypto";
import type { CompiledModel } from "../../compiler/artifact.ts";
import type { CompiledEntry } from "../../compiler/pipeline.ts";
import { planToJson } from "../../compiler/plan/json.ts";
import { print } from "../../compiler/text/print.ts";
import { KilnError } from "../../runtime/program/error.ts";
import type { Artifact } from "../../runtime/program/schema.ts";
import { mainEntry } from "../mainEntry.ts";
import type { GoldenSettings, Stage } from "./settings.ts";
import { workText } from "./work.ts";

export const planFile = "plan.json";
const hashesFile = "kernels.sha256";

const show: Record<
  Stage,
  { readonly file: string; readonly text: (model: CompiledModel, entry: CompiledEntry) => string }
> = {
  graph: { file: "graph.kir", text: ({ graph }) => print(graph) },
  joint: { file: "joint.kir", text: (_, { graph }) => print(graph) },
  expr: { file: "expr.kir", text: (_, { expr }) => print(expr) },
  fused: { file: "fused.kir", text: (_, { fused }) => print(fused) },
  kernels: { file: "kernels.kir", text: (_, { kernels }) => print(kernels) },
  plan: { file: planFile, text: (_, entry) => planText(entry) },
  work: { file: "work.json", text: (_, entry) => workText(entry) },
};

/** Text by file: the stages of the step (in infer mode of the forward pass), then the kernels. */
export function goldenTexts(
  model: CompiledModel,
  artifact: Artifact,
  settings: Pick<GoldenSettings, "stages" | "kernels">,
): Record<string, string> {
  const { entry } = mainEntry(model);
  const files = settings.stages.map((stage) => [show[stage].file, show[stage].text(model, entry)] as const);
  return { ...Object.fromEntries(files), ...kernelTexts(artifact, settings.kernels) };
}

/** The kernels that are to be kept as text, and a line for each of the others: its hash, as sha256sum has it, and file. */
function kernelTexts({ kernels }: Artifact, kept: GoldenSettings["kernels"]): Record<string, string> {
  const nameOf = (file: string) => file.replace(/^kernels\/|\.\w+$/g, "");
  const entries = Object.entries(kernels).sort(([a], [b]) => (a < b ? -1 : 1));
  if (kept === "none") return {};
  if (kept === "all") return Object.fromEntries(entries);
  const unknown = kept.find((name) => !entries.some(([file]) => nameOf(file) === name));
  if (unknown !== undefined)
    throw new KilnError(
      "usage",
      `no kernel is called ${unknown}; there are ${entries.map(([f]) => nameOf(f)).join(", ")}`,
    );
  const isKept = ([file]: (typeof entries)[number]) => kept.includes(nameOf(file));
  const hashes = entries
    .filter((kernel) => !isKept(kernel))
    .map(([file, text]) => `${createHash("sha256").update(text).digest("hex")}  ${file}\n`);
  return { ...Object.fromEntries(entries.filter(isKept)), [hashesFile]: hashes.join("") };
}

/** The plan's JSON, a buffer or dispatch a line. */
function planText({ plan, problem }: CompiledEntry): string {
  const fields = Object.entries(planToJson(plan, problem)).map(([name, value]) =>
    Array.isArray(value) && value.length > 0
      ? `  "${name}": [\n${value.map((item) => `    ${JSON.stringify(item)}`).join(",\n")}\n  ]`
      : `  "${name}": ${JSON.stringify(value)}`,
  );
  return `{\n${fields.join(",\n")}\n}\n`;
}
