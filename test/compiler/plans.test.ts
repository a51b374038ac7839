/** Memory plans of real models for described targets, each run through the checkers. */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compileGraph, type GraphOptions } from "../../compiler/compileGraph.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import type { CompiledEntry } from "../../compiler/pipeline.ts";
import { checkPlan } from "../../compiler/plan/check.ts";
import { checkEntry } from "../../compiler/plan/checkEntry.ts";
import { PlanError } from "../../compiler/plan/error.ts";
import { loadTarget, targets } from "../../compiler/target/targets.ts";
import type { Program } from "../../runtime/program/schema.ts";
import { readFile, root } from "../frontend/read.ts";

const MiB = 2 ** 20;

interface Step {
  readonly program: Program;
  readonly compiled: CompiledEntry;
  readonly plan: Plan;
}

type StepOptions = Pick<GraphOptions, "velocity" | "algorithm">;

const steps = new Map<string, Step>();

/** The training step of a model file of the zoo; each is compiled once. */
function stepOf(model: string, batch: number, target: string, options: StepOptions = {}): Step {
  const key = `${model} ${batch} ${target} ${JSON.stringify(options)}`;
  const made = steps.get(key) ?? compileStep(model, batch, target, options);
  steps.set(key, made);
  return made;
}

function compileStep(model: string, batch: number, target: string, options: StepOptions): Step {
  const graph = readFile(`models/${model}.ts`, { batch });
  const { artifact, model: compiled } = compileGraph(graph, {
    target: loadTarget(target),
    entries: ["step"],
    ...options,
  });
  const step = compiled.entries.step!;
  return { program: artifact.program, compiled: step, plan: step.plan };
}

/** What the checkers say, of the plan and of the artifact's dispatches; program.json states the plan's sizes. */
function expectRight({ program, compiled, plan }: Step): void {
  const { limits } = program.target;
  const entry = program.entries.step!;
  expect(checkPlan(plan, compiled.problem)).toEqual([]);
  expect(checkEntry(program, entry)).toEqual([]);
  for (const bytes of plan.arenas) expect(bytes).toBeLessThanOrEqual(limits.maxBufferSize);
  for (const { size } of plan.buffers) expect(size).toBeLessThanOrEqual(limits.maxStorageBufferBindingSize);
  const { arenaBytes, lowerBoundBytes, persistentBytes } = plan;
  expect(arenaBytes).toBeGreaterThanOrEqual(lowerBoundBytes);
  expect(program).toMatchObject({ arenaBytes, lowerBoundBytes, persistentBytes });
  expect(entry).toMatchObject({ arenaBytes, lowerBoundBytes, arenas: plan.arenas });
}

/** The PlanError that compiling ends in. */
function planErrorOf(compile: () => unknown): PlanError {
  try {
    compile();
  } catch (error) {
    if (error instanceof PlanError) return error;
    throw error;
  }
  throw new Error("the plan holds everything");
}

/** Storage buffers that the most demanding kernel binds. */
const mostBindings = ({ program }: Step): number =>
  Math.max(...program.kernels.map((k) => k.bindings.filter((b) => b.access !== "uniform").length));

describe("AlexNet's training step at batch 64", () => {
  test.each([
    ["portable", "direct", 200],
    ["lavapipe", "direct", 200],
    ["portable", "auto", 256],
    ["lavapipe", "auto", 256],
  ] as const)("fits its bytes, within 1.15 of the lower bound: %s, %s, %i MiB", (target, algorithm, most) => {
    const step = stepOf("alexnet", 64, target, { algorithm });
    expectRight(step);
    expect(step.plan.arenaBytes).toBeLessThanOrEqual(1.15 * step.plan.lowerBoundBytes);
    expect(step.plan.arenaBytes).toBeLessThanOrEqual(most * MiB);
    const { states } = step.compiled.problem;
    const elements = states.reduce((sum, s) => sum + s.type.shape.reduce((a, b) => a * b, 1), 0);
    expect(step.plan.persistentBytes).toBe(4 * elements);
  });

  test("small buffers do not hold it, and the error names what is too large; half of it they do", () => {
    const error = planErrorOf(() => stepOf("alexnet", 64, "small-buffers"));
    expect(error.value.type.shape).toEqual([64, 96, 54, 54]);
    expect(error.largestBatch).toBe(Math.floor((64 * MiB) / (96 * 54 * 54 * 4)));
    const step = stepOf("alexnet", 32, "small-buffers");
    expectRight(step);
    expect(step.plan.arenas.length).toBeGreaterThan(1);
  });

  test("an input gradient that runs behind its layer's update is found", () => {
    const { plan, compiled } = stepOf("alexnet", 64, "portable");
    const update = plan.dispatches.findIndex((d) => d.writes.some((v) => v.name === "dense_2.weight.next"));
    const gradient = plan.dispatches.findIndex(
      ({ kernel, reads }) =>
        kernel?.ops.includes("denseInputGradient") && reads.some((v) => v.name === "dense_2.weight"),
    );
    expect(gradient).toBeGreaterThan(0);
    expect(gradient).toBeLessThan(update);
    const dispatches = plan.dispatches.with(gradient, plan.dispatches[update]).with(update, plan.dispatches[gradient]);
    expect(checkPlan({ ...plan, dispatches }, compiled.problem).join("\n")).toContain(
      "reads %dense_2.weight, but its storage holds %dense_2.weight.next by then",
    );
  });
});

describe("LeNet", () => {
  test.each([...targets.keys()])("with momentum, for %s", (target) => {
    expectRight(stepOf("lenet", 64, target, { velocity: true }));
  });

  test("four storage buffers are enough for every kernel, though more would be used", () => {
    expect(mostBindings(stepOf("lenet", 64, "few-bindings", { velocity: true }))).toBe(4);
    expect(mostBindings(stepOf("lenet", 64, "portable", { velocity: true }))).toBeGreaterThan(4);
  });

  test("small buffers: the arena splits, up to the batch whose first convolution is too large for one", () => {
    const step = stepOf("lenet", 1024, "small-buffers");
    expectRight(step);
    expect(step.plan.arenas.length).toBeGreaterThan(1);
    const error = planErrorOf(() => stepOf("lenet", 1100, "small-buffers"));
    expect(error.value.type.shape).toEqual([1100, 20, 28, 28]);
    expect(error.largestBatch).toBe(1069);
  });
});

/** Models with a tensor too large for the targets that bind 128 MiB at once. */
const large = new Set(["alexnet2012"]);
const zoo = readdirSync(`${root}models`)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -3));

describe("every model of the zoo", () => {
  test("is among those below", () => {
    expect(zoo).toEqual(expect.arrayContaining(["alexnet", "alexnet2012", "lenet", "resnet18", "vgg11"]));
  });

  test.each(zoo.flatMap((model) => ["portable", "lavapipe", "discrete"].map((target) => [model, target] as const)))(
    "%s for %s",
    (model, target) => {
      if (large.has(model) && target !== "discrete") {
        const error = planErrorOf(() => stepOf(model, 64, target));
        expect(error.value.name).toBe("dense_1.weight");
        expect(error.largestBatch).toBeNull();
        expect(error.message).toContain(
          `tensor %dense_1.weight f32[4096,9216] takes 150994944 bytes (144.00 MiB), but target ${target} binds at most`,
        );
        expect(error.message).toContain("choose a target with larger buffers");
      } else expectRight(stepOf(model, 64, target));
    },
  );
});
