/** The checker is itself checked: each way of breaking a plan is found, and found for what it is. */
import { describe, expect, test } from "vitest";
import type { Kernel } from "../../compiler/ir/kernel.ts";
import type { Plan, PlanBuffer, PlanDispatch } from "../../compiler/ir/plan.ts";
import { checkPlan } from "../../compiler/plan/check.ts";
import { planMemory } from "../../compiler/plan/plan.ts";
import type { PlanProblem } from "../../compiler/plan/problem.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { kernel, problem, trainingChain, value } from "./problems.ts";

const chain = trainingChain(
  [
    [4, 64],
    [4, 128],
    [4, 256],
    [4, 64],
  ],
  [
    [128, 64],
    [256, 128],
    [64, 256],
  ],
);
const planned = planMemory(chain);
const plan = { ...planned, dispatches: planned.dispatches.filter((d): d is PlanDispatch => d.kernel !== undefined) };

const swapped = <T>(list: readonly T[], a: number, b: number): T[] => list.with(a, list[b]).with(b, list[a]);
const dispatchOf = (name: string): number => plan.dispatches.findIndex((d) => d.kernel.name === name);
const bufferOf = (name: string): PlanBuffer => plan.buffers.find((b) => b.value.name === name)!;
const withBuffer = (name: string, change: Partial<PlanBuffer>): Plan => ({
  ...plan,
  buffers: plan.buffers.map((b) => (b.value.name === name ? { ...b, ...change } : b)),
});
/** The plan and its problem with one kernel put in the place of another. */
function withKernel(name: string, change: (k: Kernel) => Kernel): [Plan, PlanProblem] {
  const replace = (k: Kernel) => (k.name === name ? changed : k);
  const changed = change(chain.kernels.find((k) => k.name === name)!);
  return [
    { ...plan, dispatches: plan.dispatches.map((d) => ({ ...d, kernel: replace(d.kernel) })) },
    { ...chain, kernels: chain.kernels.map(replace) },
  ];
}
const expectWrong = (broken: Plan, message: string | RegExp, p: PlanProblem = chain): void => {
  const wrong = checkPlan(broken, p);
  const found = wrong.some((w) => (typeof message === "string" ? w.includes(message) : message.test(w)));
  expect(found, `${message} among:\n${wrong.join("\n")}`).toBe(true);
};

test("the plan is right before it is broken", () => {
  expect(checkPlan(plan, chain)).toEqual([]);
  expect(plan.buffers.some((a) => plan.buffers.some((b) => a !== b && a.offset === b.offset))).toBe(true);
});

describe("memory", () => {
  test("two live values in one place", () => {
    const x1 = bufferOf("x1");
    expectWrong(withBuffer("x2", { offset: x1.offset }), "which forward1 (as %x2) has overwritten");
  });
  test("a value written over one that the same kernel reads, not in place", () => {
    const x1 = bufferOf("x1");
    expectWrong(
      withBuffer("x2", { offset: x1.offset }),
      "forward1 writes %x2 over %x1, which it reads, and not in place",
    );
  });
  test("in place, but not declared so", () => {
    const [broken, p] = withKernel("loss", (k) => ({ ...k, inPlace: [] }));
    expectWrong(broken, "loss writes %dx3 over %x3, which it reads, and not in place", p);
  });
  test("in place, but not quite", () => {
    const pair = bufferOf("dx3");
    expectWrong(
      withBuffer("dx3", { offset: pair.offset + 256 }),
      "loss writes %dx3 over %x3, which it reads, and not in place",
    );
  });
  test("two values of one kernel in one place", () => {
    const [a, b] = [value("a", 64), value("b", 64)];
    const p = problem([kernel("k", [], [a, b])], { outputs: [a, b] });
    const good = planMemory(p);
    const broken = { ...good, buffers: good.buffers.map((x) => ({ ...x, offset: 0 })) };
    expectWrong(broken, "k writes %b over %a, which it writes too", p);
  });
  test("two inputs in one place", () => {
    const [a, b, c] = [value("a", 64), value("b", 64), value("c", 64)];
    const p = problem([kernel("k", [a, b], [c])], { inputs: [a, b] });
    const good = planMemory(p);
    const broken = { ...good, buffers: good.buffers.map((x) => (x.value === c ? x : { ...x, offset: 0 })) };
    expectWrong(broken, "the run writes %b over %a, which it writes too", p);
  });
  test("an output that does not last", () => {
    const [a, b, c] = [value("a", 64), value("b", 64), value("c", 64)];
    const p = problem([kernel("k0", [a], [b]), kernel("k1", [b], [c])], { inputs: [a], outputs: [b, c] });
    const good = planMemory(p);
    const at = good.buffers.find((x) => x.value === b)!.offset;
    const broken = { ...good, buffers: good.buffers.map((x) => (x.value === c ? { ...x, offset: at } : x)) };
    expectWrong(broken, "whoever takes the outputs reads %b, which k1 (as %c) has overwritten", p);
  });
  test("a value read before it is written", () => {
    const at = dispatchOf("forward1");
    expectWrong(
      { ...plan, dispatches: swapped(plan.dispatches, at, at + 1) },
      "forward2 reads %x2, which was not written yet",
    );
  });
  test("a lifetime that is too short, and one that is too long", () => {
    const { end } = bufferOf("x1");
    expectWrong(withBuffer("x1", { end: end - 1 }), `%x1 lives over [0, ${end}), but the plan says [0, ${end - 1})`);
    expectWrong(withBuffer("x1", { end: end + 1 }), `but the plan says [0, ${end + 1})`);
  });
  test("a value with two writers", () => {
    const [a] = [value("a", 64)];
    const kernels = [kernel("k0", [], [a]), kernel("k1", [], [a])];
    const good = planMemory(problem([kernels[0]]));
    const dispatches = kernels.map((k) => ({ kernel: k, reads: [], writes: [a] }));
    expectWrong({ ...good, dispatches }, "%a is written a second time by k1", problem(kernels));
  });
});

describe("buffers", () => {
  test("unaligned", () => {
    expectWrong(
      withBuffer("x1", { offset: bufferOf("x1").offset + 4 }),
      /%x1 begins at \d+, which is no multiple of 256/,
    );
  });
  test("past the arena", () => {
    expectWrong(withBuffer("x1", { offset: plan.arenaBytes }), /%x1 ends at \d+, past the arena/);
  });
  test("too small", () => {
    expectWrong(withBuffer("x1", { size: 256 }), "%x1 has 256 bytes for a tensor of 2048");
  });
  test("missing, and twice", () => {
    expectWrong(
      { ...plan, buffers: plan.buffers.filter((b) => b.value.name !== "x1") },
      "%x1 has 0 buffers in the arena, not 1",
    );
    expectWrong({ ...plan, buffers: [...plan.buffers, bufferOf("x1")] }, "%x1 has 2 buffers in the arena, not 1");
  });
  test("a state in the arena", () => {
    const w0 = { value: chain.states[0], offset: 0, size: 32768, start: 0, end: 1 };
    expectWrong({ ...plan, buffers: [...plan.buffers, w0] }, "%w0 has 1 buffers in the arena, not 0");
  });
  test("straddling two GPU buffers", () => {
    const x2 = bufferOf("x2");
    const cut = x2.offset + 256;
    expectWrong({ ...plan, arenas: [cut, plan.arenaBytes - cut] }, `%x2 straddles two GPU buffers at ${cut}`);
  });
  test("a GPU buffer and a binding over the target's limits", () => {
    const limits = { ...chain.target.limits, maxBufferSize: 4096, maxStorageBufferBindingSize: 1024 };
    const small = { ...chain, target: { ...chain.target, limits } };
    expectWrong(plan, "is over maxBufferSize 4096", small);
    expectWrong(plan, "%x2 is over maxStorageBufferBindingSize", small);
  });
  test("an arena that would leave the next unaligned", () => {
    expectWrong({ ...plan, arenas: [plan.arenaBytes - 4, 4] }, "would leave the next unaligned");
  });
});

describe("states", () => {
  test("an input gradient swapped with its layer's update reads the weight too late", () => {
    const gradient = dispatchOf("inputGradient1");
    const update = dispatchOf("update1");
    expect(gradient).toBeLessThan(update);
    const broken = { ...plan, dispatches: swapped(plan.dispatches, gradient, update) };
    expectWrong(broken, "inputGradient1 reads %w1, but its storage holds %w1.next by then");
  });
  test("a next version read before it is written", () => {
    const [w, next, out] = [value("w", 4), value("next", 4), value("out", 4)];
    const kernels = [kernel("update", [w], [next], [[next, w]]), kernel("use", [next], [out])];
    const p = problem(kernels, { states: [w], updates: [{ state: w, next }] });
    const good = planMemory(p);
    expect(checkPlan(good, p)).toEqual([]);
    expectWrong(
      { ...good, dispatches: swapped(good.dispatches, 0, 1) },
      "use reads %next, but its storage holds %w by then",
      p,
    );
  });
  test("an update that reads the state without declaring that it may", () => {
    const [broken, p] = withKernel("update1", (k) => ({ ...k, inPlace: [] }));
    expectWrong(broken, "update1 reads %w1 and writes %w1.next in the same storage without declaring them in place", p);
  });
  test("an update that never runs", () => {
    const dispatches = plan.dispatches.filter((d) => d.kernel.name !== "update0");
    expectWrong({ ...plan, dispatches }, "%w0.next is never written");
    expectWrong({ ...plan, dispatches }, "kernel update0 is dispatched 0 times");
  });
  test("a state that is written as it stands", () => {
    const [a, w] = [value("a", 4), value("w", 4)];
    const p = problem([kernel("k", [a], [w])], { inputs: [a], states: [w] });
    expectWrong(planMemory(p), "k writes the state %w, which is no next version", p);
  });
  test("versions out of turn", () => {
    const [w, v1, v2] = [value("w", 4), value("v1", 4), value("v2", 4)];
    const kernels = [kernel("first", [], [v1]), kernel("second", [], [v2])];
    const p = problem(kernels, {
      states: [w],
      updates: [
        { state: w, next: v1 },
        { state: v1, next: v2 },
      ],
    });
    const good = planMemory(p);
    expect(checkPlan(good, p)).toEqual([]);
    expectWrong(
      { ...good, dispatches: swapped(good.dispatches, 0, 1) },
      "second replaces %v1, but the storage holds %w",
      p,
    );
  });
});

describe("dispatches and totals", () => {
  test("a dispatch twice", () => {
    expectWrong(
      { ...plan, dispatches: [...plan.dispatches, plan.dispatches[0]] },
      "kernel forward0 is dispatched 2 times",
    );
  });
  test("a foreign kernel", () => {
    const foreign = { kernel: kernel("foreign", [], []), reads: [], writes: [] };
    expectWrong({ ...plan, dispatches: [...plan.dispatches, foreign] }, "kernel foreign is not the problem's");
  });
  test("reads and writes that are not the kernel's", () => {
    const [first, ...rest] = plan.dispatches;
    expectWrong(
      { ...plan, dispatches: [{ ...first, reads: [] }, ...rest] },
      "forward0 reads %x0, which its dispatch does not list",
    );
    const more = { ...first, writes: [...first.writes, value("z", 1)] };
    expectWrong(
      { ...plan, dispatches: [more, ...rest] },
      "forward0's dispatch lists %z, which the kernel never writes",
    );
  });
  test("more bindings than the target has", () => {
    const values = Array.from({ length: 5 }, (_, i) => value(`v${i}`, 4));
    const p = problem([kernel("k", [], values)], { target: loadTarget("few-bindings") });
    expectWrong(planMemory(p), "k binds 5 storage buffers, the target has 4", p);
  });
  test("values in one place are one binding", () => {
    const [w, a, b, c] = [value("w", 4), value("a", 4), value("b", 4), value("c", 4)];
    const next = value("next", 4);
    const k = kernel(
      "k",
      [w, a, c],
      [next, b],
      [
        [next, w],
        [b, a],
      ],
    );
    const p = problem([k], {
      inputs: [a, c],
      states: [w],
      updates: [{ state: w, next }],
      target: loadTarget("few-bindings"),
    });
    expect(checkPlan(planMemory(p), p)).toEqual([]);
  });
  test.each([
    ["arenaBytes", { arenaBytes: plan.arenaBytes + 256 }],
    ["persistentBytes", { persistentBytes: plan.persistentBytes - 4 }],
    ["lowerBoundBytes", { lowerBoundBytes: plan.lowerBoundBytes - 256 }],
  ])("%s that is not so", (name, change) => {
    expectWrong({ ...plan, ...change }, `${name} is `);
  });
});
