import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { checkPlan } from "../../compiler/plan/check.ts";
import { PlanError } from "../../compiler/plan/error.ts";
import { planMemory } from "../../compiler/plan/plan.ts";
import type { PlanProblem } from "../../compiler/plan/problem.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import {
  alexNet,
  anyProblem,
  cpuMilliseconds,
  kernel,
  orderAndPlan,
  problem,
  trainingChain,
  value,
} from "./problems.ts";

// Many random problems, on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

const kib = (name: string, n: number) => value(name, 256 * n);

/** Plans, and holds the checker's word. */
function planned(p: PlanProblem) {
  const plan = planMemory(p);
  expect(checkPlan(plan, p)).toEqual([]);
  return plan;
}

describe("planMemory", () => {
  test("plans of random dataflow are right, and at least as large as the bound", () => {
    fc.assert(
      fc.property(anyProblem, (p) => {
        const plan = planMemory(p);
        expect(checkPlan(plan, p)).toEqual([]);
        expect(plan.arenaBytes).toBeGreaterThanOrEqual(plan.lowerBoundBytes);
      }),
      { numRuns: 300 },
    );
  });

  test("nearly all plans of random dataflow are at the bound", () => {
    const plans = fc.sample(anyProblem, { numRuns: 200, seed: 1 }).map(planMemory);
    const ratios = plans.map((plan) => (plan.lowerBoundBytes === 0 ? 1 : plan.arenaBytes / plan.lowerBoundBytes));
    expect(Math.max(...ratios)).toBeLessThanOrEqual(1.15);
    expect(ratios.filter((r) => r === 1).length).toBeGreaterThanOrEqual(195);
  });

  test("the same plan every time", () => {
    expect(planMemory(alexNet(8))).toEqual(planMemory(alexNet(8)));
  });

  test("the place of a value that has died is used again", () => {
    const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => kib(name, 1));
    const plan = planned(
      problem([kernel("k0", [a], [b]), kernel("k1", [b], [c]), kernel("k2", [c], [d])], { inputs: [a], outputs: [d] }),
    );
    expect(plan.arenaBytes).toBe(2 * 1024);
    expect(plan.buffers.map((x) => `${x.value.name} [${x.start}, ${x.end})`).sort()).toEqual([
      "a [0, 1)",
      "b [0, 2)",
      "c [1, 3)",
      "d [2, 3)",
    ]);
  });

  test("a chain written in place takes one place, and counts once in the bound", () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => kib(name, 1));
    const plan = planned(
      problem([kernel("k0", [a], [b], [[b, a]]), kernel("k1", [b], [c], [[c, b]])], { inputs: [a], outputs: [c] }),
    );
    expect(plan.arenaBytes).toBe(1024);
    expect(plan.lowerBoundBytes).toBe(1024);
  });

  test("no value takes the place of one that lives on", () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => kib(name, 1));
    const later = [kernel("k0", [a], [b], [[b, a]]), kernel("k1", [a, b], [c])];
    expect(planned(problem(later, { inputs: [a], outputs: [c] })).arenaBytes).toBe(3 * 1024);
    const kept = [kernel("k0", [a], [b], [[b, a]])];
    expect(planned(problem(kept, { inputs: [a], outputs: [a, b] })).arenaBytes).toBe(2 * 1024);
  });

  test("two values do not take the place of the same one", () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => kib(name, 1));
    const both = [
      kernel(
        "k0",
        [a],
        [b, c],
        [
          [b, a],
          [c, a],
        ],
      ),
    ];
    expect(planned(problem(both, { inputs: [a], outputs: [b, c] })).arenaBytes).toBe(2 * 1024);
  });

  test("a value that nobody reads still has its place while it is written", () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => kib(name, 1));
    const plan = planned(problem([kernel("k0", [a], [b, c])], { inputs: [a], outputs: [b] }));
    expect(plan.arenaBytes).toBe(3 * 1024);
  });

  test("the gap below the first block is used", () => {
    // `low` dies and leaves a gap at 0 below `high`, which lives on; `late` fits there.
    const low = kib("low", 2);
    const high = kib("high", 3);
    const late = kib("late", 2);
    const end = kib("end", 1);
    const p = problem([kernel("k0", [], [low, high]), kernel("k1", [low], [end]), kernel("k2", [high], [late])], {
      outputs: [late, high, end],
    });
    expect(planned(p).arenaBytes).toBe(6 * 1024);
  });

  test("states, their next versions and the run's own buffers lie outside the arena", () => {
    const p = trainingChain(
      [
        [4, 8],
        [4, 16],
        [4, 8],
      ],
      [
        [16, 8],
        [8, 16],
      ],
    );
    const plan = planned(p);
    expect(plan.persistentBytes).toBe(2 * 128 * 4);
    const names = plan.buffers.map((b) => b.value.name);
    expect(names.filter((n) => n.startsWith("w") || n === "labels")).toEqual([]);
  });

  test("an arena over maxBufferSize becomes several GPU buffers, and no value straddles two", () => {
    const target = loadTarget("small-buffers");
    const values = Array.from({ length: 6 }, (_, i) => value(`v${i}`, 40, 256, 1024));
    const p = problem([kernel("all", [], values), kernel("use", values, [value("out", 1)])], { target });
    const plan = planned(p);
    expect(plan.arenas.length).toBe(6);
    for (const bytes of plan.arenas) expect(bytes).toBeLessThanOrEqual(2 ** 26);
    expect(plan.arenaBytes).toBeLessThan(1.01 * plan.lowerBoundBytes);
  });

  test("several GPU buffers still use dead places again", () => {
    const target = loadTarget("small-buffers");
    const plan = planned(
      trainingChain(
        Array.from({ length: 12 }, (_, i) => [16, 1 + (i % 3), 512, 512]),
        Array.from({ length: 11 }, () => [64]),
        { target },
      ),
    );
    expect(plan.arenas.length).toBeGreaterThan(1);
    expect(plan.arenaBytes).toBeLessThanOrEqual(1.15 * plan.lowerBoundBytes);
  });

  test("a problem without kernels", () => {
    const a = value("a", 3);
    expect(planned(problem([], { inputs: [a], outputs: [a] })).arenaBytes).toBe(256);
  });
});

describe("AlexNet at batch 64", () => {
  const { plan, problem: ordered } = orderAndPlan(alexNet(64));

  test("is right, at the bound, and within 200 MiB", () => {
    expect(checkPlan(plan, ordered)).toEqual([]);
    expect(plan.arenaBytes / plan.lowerBoundBytes).toBeLessThanOrEqual(1.15);
    expect(plan.arenaBytes).toBeLessThanOrEqual(200 * 2 ** 20);
  });
  test("is planned in well under a second", () => {
    expect(cpuMilliseconds(() => orderAndPlan(alexNet(64)))).toBeLessThan(500);
  });
});

describe("what the target can't hold", () => {
  const planError = (p: PlanProblem): PlanError => {
    try {
      planMemory(p);
    } catch (error) {
      if (error instanceof PlanError) return error;
      throw error;
    }
    throw new Error("the plan was made");
  };

  test("AlexNet at batch 128: the message names the tensor, its bytes and the largest batch", () => {
    const error = planError(alexNet(128));
    expect(error.code).toBe("KILN3001");
    expect(error.message).toBe(
      "tensor %y0 f32[128,96,54,54] takes 143327232 bytes (136.69 MiB), but target portable binds at most 134217728 bytes " +
        "(128.00 MiB) at once (and 1 more tensor is too large). The largest batch that fits is 119.",
    );
    expect(error.largestBatch).toBe(119);
    planned(alexNet(119));
    expect(() => planMemory(alexNet(120))).toThrow(PlanError);
  });

  test("a weight is too large at any batch", () => {
    const target = loadTarget("small-buffers");
    const error = planError(
      trainingChain(
        [
          [2, 8],
          [2, 8],
        ],
        [[4096, 4097]],
        { target },
      ),
    );
    expect(error.largestBatch).toBe(null);
    expect(error.message).toContain("%w0 f32[4096,4097] takes 67125248 bytes (64.02 MiB)");
    expect(error.message).toContain("No batch makes it fit");
  });
});

describe("what is no plan at all", () => {
  const [a, b] = [value("a", 4), value("b", 4)];
  test.each([
    ["two writers", [kernel("k0", [], [a]), kernel("k1", [], [a])], "%a is written twice, at last by k1"],
    ["no writer", [kernel("k0", [a], [b])], "k0 reads %a, which no kernel writes"],
    ["wrong order", [kernel("k0", [a], [b]), kernel("k1", [], [a])], "k0 runs before k1, which must come first"],
  ])("%s", (_, kernels, message) => {
    expect(() => planMemory(problem(kernels))).toThrow(message);
  });
});
