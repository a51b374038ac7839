import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { Kernel } from "../../compiler/ir/kernel.ts";
import { orderKernels } from "../../compiler/passes/order.ts";
import { checkPlan } from "../../compiler/plan/check.ts";
import { dataflow } from "../../compiler/plan/dataflow.ts";
import { orderCosts } from "../../compiler/plan/orderCost.ts";
import { planMemory } from "../../compiler/plan/plan.ts";
import type { PlanProblem } from "../../compiler/plan/problem.ts";
import { alexNet, anyProblem, cpuMilliseconds, kernel, problem, trainingChain, value } from "./problems.ts";

// Many random problems, on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

const names = (kernels: readonly Kernel[]): string[] => kernels.map((k) => k.name);
const boundOf = (p: PlanProblem): number => planMemory(p).lowerBoundBytes;
const ordered = (p: PlanProblem): PlanProblem => ({ ...p, kernels: orderKernels(p) });

/** A problem and its kernels in any order, valid or not. */
const shuffled = anyProblem.chain((p) =>
  fc.shuffledSubarray([...p.kernels], { minLength: p.kernels.length }).map((kernels) => ({ p, kernels })),
);

describe("orderKernels", () => {
  test("gives a valid order, whatever order is given", () => {
    fc.assert(
      fc.property(shuffled, ({ p, kernels }) => {
        const again = ordered({ ...p, kernels });
        expect(names(again.kernels).sort()).toEqual(names(p.kernels).sort());
        expect(checkPlan(planMemory(again), again)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("never makes a valid order worse", () => {
    fc.assert(
      fc.property(anyProblem, (p) => {
        expect(boundOf(ordered(p))).toBeLessThanOrEqual(boundOf(p));
      }),
      { numRuns: 200 },
    );
  });

  test("the cost that it compares by is the plan's lower bound", () => {
    fc.assert(
      fc.property(anyProblem, (p) => {
        const { peak } = orderCosts(dataflow(p))(p.kernels.map((_, k) => k));
        expect(peak).toBe(boundOf(p));
      }),
      { numRuns: 200 },
    );
  });

  test("on small problems it is the best order or close to it", () => {
    const samples = fc.sample(anyProblem, { numRuns: 400, seed: 3 }).filter((p) => p.kernels.length <= 7);
    expect(samples.length).toBeGreaterThan(50);
    const found = samples.map((p) => boundOf(ordered(p)) / (bestBound(p) || 1));
    expect(Math.max(...found)).toBeLessThan(1.35);
    expect(found.filter((ratio) => ratio <= 1).length / found.length).toBeGreaterThan(0.95);
  });

  test("keeps the order given where none is better", () => {
    const [a, b, c] = [value("a", 64), value("b", 64), value("c", 64)];
    const kernels = [kernel("second", [a], [b]), kernel("first", [a], [c])];
    expect(names(orderKernels(problem(kernels, { inputs: [a], outputs: [b, c] })))).toEqual(["second", "first"]);
  });

  test("runs a weight's update as soon as its cotangent is there, where that frees memory", () => {
    // All input gradients first and the updates last keeps every cotangent alive.
    const shapes = Array.from({ length: 9 }, () => [8, 1024]);
    const chain = trainingChain(
      shapes,
      Array.from({ length: 8 }, () => [1024, 1024]),
    );
    const updatesLast = [...chain.kernels].sort(
      (a, b) => Number(a.name.startsWith("update")) - Number(b.name.startsWith("update")),
    );
    const late = boundOf({ ...chain, kernels: updatesLast });
    const early = boundOf(ordered({ ...chain, kernels: updatesLast }));
    expect(late).toBe(16 * 32768);
    expect(early).toBe(10 * 32768);
  });

  test("an input gradient never runs after the update of the weight that it reads", () => {
    const p = trainingChain(
      [
        [4, 8],
        [4, 8],
        [4, 8],
      ],
      [
        [8, 8],
        [8, 8],
      ],
    );
    const order = names(orderKernels({ ...p, kernels: [...p.kernels].reverse() }));
    expect(order.indexOf("inputGradient1")).toBeLessThan(order.indexOf("update1"));
  });

  test("names the kernels that wait for one another", () => {
    const [a, b] = [value("a", 1), value("b", 1)];
    const kernels = [kernel("k0", [a], [b]), kernel("k1", [b], [a]), kernel("k2", [], [value("c", 1)])];
    expect(() => orderKernels(problem(kernels))).toThrow("these kernels wait for one another: k0, k1");
  });

  test("is deterministic", () => {
    expect(names(orderKernels(alexNet(64)))).toEqual(names(orderKernels(alexNet(64))));
  });

  test("orders a chain as long as ResNet-152's training step in well under a second", () => {
    const layers = 700;
    const shapes = Array.from({ length: layers + 1 }, (_, i) => [8, 64, 4 + (i % 5), 4]);
    const chain = trainingChain(
      shapes,
      Array.from({ length: layers }, () => [64, 64]),
    );
    expect(chain.kernels.length).toBeGreaterThan(2000);
    expect(cpuMilliseconds(() => orderKernels(chain))).toBeLessThan(1000);
  });
});

/** The lowest bound over all valid orders. */
function bestBound(p: PlanProblem): number {
  const flow = dataflow(p);
  const costOf = orderCosts(flow);
  let best = Number.POSITIVE_INFINITY;
  const extend = (order: number[]): void => {
    if (order.length === p.kernels.length) best = Math.min(best, costOf(order).peak);
    flow.before.forEach((before, k) => {
      if (!order.includes(k) && before.every((b) => order.includes(b))) extend([...order, k]);
    });
  };
  extend([]);
  return best;
}
