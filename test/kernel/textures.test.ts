/** Operands of contractions in textures: values, plans that share GPU textures, and what is refused. */
import { describe, expect, test } from "vitest";
import { buildEntries } from "../../compiler/passes/entries.ts";
import { valuesInTextures } from "../../compiler/plan/steps.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { inTextures } from "./inTextures.ts";
import { model } from "./models.ts";
import { runPlanned } from "./planned.ts";

const network = model([4, 3, 11, 10], (call, x) => {
  x = call("conv2d", x, { channels: 8, kernel: 3, padding: 1 });
  x = call("relu", x);
  x = call("conv2d", x, { channels: 12, kernel: 3 });
  x = call("maxPool2d", x, { kernel: 3, stride: 2 });
  return call("dense", call("flatten", x), { units: 8 });
});
const { step, gradients } = buildEntries(network, { velocity: true });

const target = loadTarget("lavapipe");

describe.each([4, 8])("with turns of %i", (unroll) => {
  test.each([
    ["step", step],
    ["gradients", gradients],
  ])("%s computes what its definition says", (_, graph) => {
    const { plan, problem, problems, errors } = runPlanned(graph!, target, { choose: inTextures(target, unroll) });
    expect(problems).toEqual([]);
    expect(plan.textures.length).toBeGreaterThan(4);
    expect(problem.kernels.some((k) => valuesInTextures(k).length === 2)).toBe(true);
    expect(plan.gpuTextures.length).toBeLessThan(plan.textures.length);
    for (const [name, error] of errors) expect(error, name).toBeLessThan(1e-11);
  });
});
