/** What knows no target: graph, joint and expr are the same for every described one. */
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { buildEntries } from "../../compiler/passes/entries.ts";
import { runPipeline } from "../../compiler/passes/pass.ts";
import { toExpr } from "../../compiler/pipeline.ts";
import { targets } from "../../compiler/target/targets.ts";
import { print } from "../../compiler/text/print.ts";
import type { Target } from "../../runtime/program/schema.ts";
import { readFile, root } from "../frontend/read.ts";

const models = readdirSync(`${root}models`).filter((file) => file.endsWith(".ts"));

/** Every entry point as graph or joint graph and as index expressions. */
function textsFor(model: string, target: Target): string[] {
  const graph = readFile(`models/${model}`);
  const pictureBytes = target.limits.maxStorageBufferBindingSize;
  const { pictures, ...entries } = buildEntries(graph, { velocity: true, pictureBytes });
  const programs = Object.values(entries).filter((entry) => entry !== undefined);
  return [print(graph), ...programs.flatMap((g) => [print(g), print(runPipeline(toExpr, g, { target }))])];
}

test("there is something to compare", () => {
  expect(models).toContain("alexnet.ts");
  expect([...targets.keys()]).toEqual(expect.arrayContaining(["portable", "lavapipe", "few-bindings", "wasm"]));
});

test.each(models)("graph, joint and expr of %s are the same for every target", (model) => {
  const [first, ...others] = [...targets.values()].map((target) => textsFor(model, target));
  expect(first.length).toBeGreaterThan(3);
  for (const texts of others) expect(texts).toEqual(first);
});
