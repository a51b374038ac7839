/** Random networks print and parse back at every stage. KILN_RUNS says how many: 10000 take about half an hour. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildEntries } from "../../compiler/passes/entries.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { print } from "../../compiler/text/print.ts";
import { batches, modelOf, networks } from "../kernel/networks.ts";
import { expectSameKernels, expectTextAllTheWay, stagePasses } from "./roundTrip.ts";

const numRuns = Number(process.env.KILN_RUNS ?? 100);

test(`${numRuns} random networks`, { timeout: 60_000 + 1000 * numRuns }, () => {
  const target = fc.constantFrom("portable", "lavapipe", "wasm", "few-bindings");
  const property = fc.property(networks(), target, (network, name) => {
    const graph = { ...modelOf(network), mode: "train" as const };
    expectSameKernels(expectTextAllTheWay(graph, stagePasses, { target: loadTarget(name) }), name);
  });
  fc.assert(property, { numRuns, seed: Number(process.env.KILN_SEED ?? 20241127) });
});

test("networks under the lowest memory limit, in slices", { timeout: 60_000 }, () => {
  const target = fc.constantFrom("portable", "lavapipe", "wasm");
  let parts = 0;
  const property = fc.property(batches, target, (network, name) => {
    const context = { target: loadTarget(name), memoryLimit: { bytes: 1, orSmallest: true } };
    const { step } = buildEntries(modelOf(network), { velocity: false });
    const planned = expectTextAllTheWay(step!, stagePasses, context);
    expectSameKernels(planned, name);
    if (print(planned).includes("\npart %")) parts++;
  });
  fc.assert(property, { numRuns: 16, seed: 20241127 });
  expect(parts).toBeGreaterThan(1);
});
