/** Every model prints and parses back after every pass, and the compiler does the same with what was parsed. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readModel } from "../../compiler/frontend/index.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { buildEntries } from "../../compiler/passes/entries.ts";
import { toStep } from "../../compiler/passes/graphPasses.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { expectSameKernels, expectTextAllTheWay, later } from "./roundTrip.ts";

const root = new URL("../../", import.meta.url);
const files = ["models", "test/reference"].flatMap((folder) =>
  readdirSync(new URL(folder, root))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => `${folder}/${file}`),
);

const read = (path: string): string | undefined => {
  const url = new URL(path, root);
  return existsSync(url) ? readFileSync(url, "utf8") : undefined;
};

function graphOf(path: string): Graph {
  const { graph, diagnostics } = readModel({ path, read }, { batch: 4 });
  expect(diagnostics).toEqual([]);
  return graph as Graph;
}

test.each(files)("%s", { timeout: 120_000 }, (path) => {
  const graph = graphOf(path);
  // Its first dense layer is more than portable binds at once.
  const target = path === "models/alexnet2012.ts" ? "discrete" : "portable";
  const context = { target: loadTarget(target), velocity: true };
  if (graph.classes !== undefined) expectTextAllTheWay({ ...graph, mode: "train" }, toStep.passes, context);
  // What `gradients` has, `step` has too.
  const { gradients: _, ...entries } = buildEntries(graph, { velocity: true });
  for (const entry of Object.values(entries))
    expectSameKernels(expectTextAllTheWay(entry as Graph, later, context), target);
});

test.each(["lavapipe", "wasm"])("AlexNet for %s", { timeout: 120_000 }, (target) => {
  const { step } = buildEntries(graphOf("models/alexnet.ts"), { velocity: false });
  expectSameKernels(expectTextAllTheWay(step!, later, { target: loadTarget(target) }), target);
});
