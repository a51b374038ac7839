/** Random networks print and parse back at every stage. KILN_RUNS says how many: 10000 take about half an hour. */
import fc from "fast-check";
import { test } from "vitest";
import { loadTarget } from "../../compiler/target/targets.ts";
import { modelOf, networks } from "../kernel/networks.ts";
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
