/** Random networks print and parse back at every stage. KILN_RUNS says how many: 10000 take about half an hour. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildEntries } from "../../compiler/passes/entries.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { print } from "../../compiler/text/print.ts";
import { readFile } from "../frontend/read.ts";
import { batches, modelOf, networks } from "../kernel/networks.ts";
import { expectSameKernels, expectTextAllTheWay, stagePasses } from "./roundTrip.ts";

const fromJoint = stagePasses.filter(({ name }) => name !== "joint");
const numRuns = Number(process.env.KILN_RUNS ?? 100);

test(`${numRuns} random networks`, { timeout: 60_000 + 1000 * numRuns }, () => {
  const target = fc.constantFrom("portable", "lavapipe", "wasm", "few-bindings");
  const property = fc.property(networks(), target, (network, name) => {
    const graph = { ...modelOf(network), mode: "train" as const };
    expectSameKernels(expectTextAllTheWay(graph, stagePasses, { target: loadTarget(name) }), name);
  });
  fc.assert(property, { numRuns, seed: Number(process.env.KILN_SEED ?? 20241127) });
});

test("networks under the lowest memory limit", { timeout: 60_000 }, () => {
  const target = fc.constantFrom("portable", "lavapipe", "wasm");
  const property = fc.property(batches, target, (network, name) => {
    const context = { target: loadTarget(name), memoryLimit: { bytes: 1, orSmallest: true } };
    const { step } = buildEntries(modelOf(network), { velocity: false });
    const planned = expectTextAllTheWay(step!, fromJoint, context);
    expectSameKernels(planned, name);
  });
  fc.assert(property, { numRuns: 12, seed: 20241127 });
});

test("LeNet in slices", { timeout: 60_000 }, () => {
  const { step } = buildEntries(readFile("models/lenet.ts", { batch: 64 }), { velocity: false });
  const context = { target: loadTarget("portable"), memoryLimit: { bytes: 4.8 * 2 ** 20 } };
  const planned = expectTextAllTheWay(step!, fromJoint, context);
  expect(print(planned)).toContain("\npart %");
  expectSameKernels(planned, "portable");
});
