import { expect, test } from "vitest";
import { kernelBindings, placesOf, textureAt } from "../../compiler/plan/bindings.ts";
import { planToJson } from "../../compiler/plan/json.ts";
import { planMemory } from "../../compiler/plan/plan.ts";
import { kernel, orderAndPlan, problem, trainingChain, value } from "./problems.ts";

const chain = trainingChain(
  [
    [2, 64],
    [2, 128],
  ],
  [[128, 64]],
);
const { plan, problem: ordered } = orderAndPlan(chain);

test("the JSON of a plan", () => {
  expect(planToJson(plan, ordered)).toEqual({
    arenaBytes: 1536,
    lowerBoundBytes: 1536,
    persistentBytes: 32768,
    buffers: [
      { name: "x1", shape: [2, 128], offset: 0, size: 1024, start: 0, end: 2 },
      { name: "x0", shape: [2, 64], offset: 1024, size: 512, start: 0, end: 3 },
      { name: "dx1", shape: [2, 128], offset: 0, size: 1024, start: 1, end: 3 },
    ],
    textures: [],
    dispatches: [
      { kernel: "forward0", workgroups: [1, 1, 1], reads: ["x0", "w0"], writes: ["x1"] },
      { kernel: "loss", workgroups: [1, 1, 1], reads: ["x1"], writes: ["dx1"] },
      { kernel: "update0", workgroups: [1, 1, 1], reads: ["dx1", "x0", "w0"], writes: ["w0"] },
    ],
  });
});

test("values in one place share a binding, in the order of the kernel's buffers", () => {
  const placeOf = placesOf(plan, ordered);
  const bindings = ordered.kernels.map((k, i) =>
    kernelBindings(k, placeOf, textureAt(plan, i)).map((b) => b.buffers.map(({ value }) => value.name)),
  );
  expect(bindings).toEqual([
    [["x0"], ["w0"], ["x1"]],
    [["x1", "dx1"], ["labels"]],
    [["dx1"], ["x0"], ["w0", "w0.next"]],
  ]);
  expect(placeOf(chain.external[0]).kind).toBe("external");
  expect(() => placeOf(value("foreign", 1))).toThrow("%foreign has no place");
});

test("places count from the start of their own GPU buffer", () => {
  const limits = { ...chain.target.limits, maxBufferSize: 1024 };
  const values = ["a", "b", "c"].map((name) => value(name, 192));
  const p = problem([kernel("k", [], values)], { outputs: values, target: { ...chain.target, limits } });
  const small = planMemory(p);
  expect(small.arenas).toEqual([768, 768, 768]);
  const placeOf = placesOf(small, p);
  expect(values.map(placeOf)).toEqual([0, 1, 2].map((arena) => ({ kind: "arena", arena, offset: 0, size: 768 })));
});
