/** Every case of test/reference, compiled to index expressions and evaluated in float64. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readModel } from "../../compiler/frontend/index.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { elementCount, type Value } from "../../compiler/ir/types.ts";
import { buildEntries, type Entries } from "../../compiler/passes/entries.ts";
import { parseSafetensors } from "../../runtime/program/safetensors.ts";
import { prepare, readJson, relativeError } from "./support.ts";

interface ReferenceCase {
  readonly name: string;
  readonly model: string;
  readonly batch: number;
  readonly mode: "train" | "infer";
  readonly inputs: string;
  readonly weights: string | null;
  readonly expect: string;
  readonly kind: "grads" | "steps";
  readonly target: "labels" | "cotangent" | null;
  readonly steps?: number;
  readonly lr?: number;
  readonly momentum?: number;
  readonly weightDecay?: number;
}

const folder = new URL("../reference/", import.meta.url).pathname;
const cases: ReferenceCase[] = readJson(join(folder, "index.json"));

/** The expected values are float64 results stored as float32: that rounding is all the difference there may be. */
const tolerance = 2e-7;

const load = (file: string): Map<string, Float64Array> => {
  const { tensors } = parseSafetensors(readFileSync(join(folder, file)), file);
  return new Map([...tensors].map(([name, t]) => [name, Float64Array.from(t.data as Float32Array | Int32Array)]));
};

const entryOf = (c: ReferenceCase, entries: Entries): Graph => {
  if (c.mode === "infer") return entries.forward;
  if (c.kind === "steps") return entries.step!;
  return c.target === "labels" ? entries.gradients! : entries.gradientsFromCotangent;
};

const initialState = (graph: Graph, weights: Map<string, Float64Array>): Map<Value, Float64Array> =>
  new Map(
    graph.states.map(({ value, initializer }) => {
      const start = initializer.kind === "constant" ? initializer.value : Number.NaN;
      return [value, weights.get(value.name) ?? new Float64Array(elementCount(value.type.shape)).fill(start)];
    }),
  );

/** The tensors that `kiln run` would write. */
const run = (c: ReferenceCase): Map<string, ArrayLike<number>> => {
  const source = { path: c.model, read: (path: string) => readFileSync(join(folder, path), "utf8") };
  const { graph: model, diagnostics } = readModel(source, { batch: c.batch, mode: c.mode });
  expect(diagnostics).toEqual([]);
  const graph = entryOf(c, buildEntries(model!, { velocity: (c.momentum ?? 0) > 0 }));
  const { run } = prepare(graph);
  const state = initialState(graph, c.weights ? load(c.weights) : new Map());
  const given = load(c.inputs);
  const results = new Map<string, ArrayLike<number>>();
  const losses: number[] = [];
  for (let step = 1; step <= (c.steps ?? 1); step++) {
    const bindings = new Map(state);
    for (const { value, kind } of graph.inputs) bindings.set(value, given.get(kind)!);
    const { lr, momentum, weightDecay } = c;
    const values = run(bindings, { lr, momentum, weightDecay, step });
    for (const { name, value } of graph.outputs) results.set(name, values.get(value)!);
    for (const { state: old, next } of graph.updates) state.set(old, values.get(next)!);
    losses.push(results.get("loss")?.[0] ?? Number.NaN);
  }
  if (c.kind === "steps") results.set("losses", losses);
  for (const [value, data] of state) results.set(`param.${value.name}`, data);
  return results;
};

test("there are cases", () => {
  expect(cases.length).toBeGreaterThan(60);
});

describe.each(cases)("$name", (c) => {
  test("agrees with PyTorch", { timeout: 60_000 }, () => {
    const results = run(c);
    for (const [name, data] of load(c.expect)) {
      expect(results.has(name), name).toBe(true);
      expect(relativeError(results.get(name)!, data), name).toBeLessThan(tolerance);
    }
  });
});
