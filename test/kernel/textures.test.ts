/** Operands of contractions in textures: values, plans that share GPU textures, and what is refused. */
import { describe, expect, test } from "vitest";
import type { Plan } from "../../compiler/ir/plan.ts";
import { elementCount, f32 } from "../../compiler/ir/types.ts";
import { buildEntries } from "../../compiler/passes/entries.ts";
import { compileEntry } from "../../compiler/pipeline.ts";
import { checkPlan } from "../../compiler/plan/check.ts";
import { planToJson } from "../../compiler/plan/json.ts";
import { shareTextures } from "../../compiler/plan/shareTextures.ts";
import { valuesInTextures } from "../../compiler/plan/steps.ts";
import type { ScheduleChoice } from "../../compiler/schedule/index.ts";
import { type ContractionSchedule, scheduleProblems } from "../../compiler/schedule/tile.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { print } from "../../compiler/text/print.ts";
import type { Target } from "../../runtime/program/schema.ts";
import { fitsTexture, textureBytes, textureExtent } from "../../runtime/program/texture.ts";
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

const portable = loadTarget("portable");
const textures = { storageA: "texture", storageB: "texture" } as const;

/** Why the network's kernels cannot have such schedules, of all that are asked for one. */
function refusals(target: Target, change: Readonly<Record<string, string | number>>): string[] {
  const all: string[] = [];
  compileEntry(gradients!, {
    target,
    choose: (c, standard) => {
      all.push(...scheduleProblems(c, { ...standard, ...change } as ContractionSchedule, target));
      return standard;
    },
  });
  return all;
}

test("what cannot be read from textures is refused, with the reason", () => {
  expect(refusals(portable, textures).join("\n")).toContain("goes to workgroup memory one by one");
  const without = { ...target, features: ["subgroups"] };
  expect(refusals(without, textures).join("\n")).toContain(
    'is to be read from a texture, but lavapipe has no "readonly_and_readwrite_storage_textures"',
  );
  const odd = refusals(target, { ...textures, unroll: 6 }).join("\n");
  expect(odd).toMatch(/operand A, %.+, is read from a texture by four steps of .+, but unroll is 6/);
  expect(odd).toMatch(/operand A, %input, is to be read from a texture, but its elements are read one by one/);
});

describe("by default", () => {
  const wide = model([16, 16, 12, 12], (call, x) => {
    x = call("relu", call("conv2d", x, { channels: 32, kernel: 3, padding: 1 }));
    x = call("relu", call("conv2d", x, { channels: 64, kernel: 3, padding: 1 }));
    return call("dense", call("flatten", x), { units: 8 });
  });
  const graph = buildEntries(wide, { velocity: false }).step!;
  const inTexturesOf = (name: string, options = {}) =>
    compileEntry(graph, { target: loadTarget(name), algorithm: "direct", ...options }).problem.kernels.filter(
      (k) => valuesInTextures(k).length > 0,
    );

  test("lavapipe reads what it loads over and over from textures; no other target does", () => {
    expect(inTexturesOf("lavapipe").length).toBeGreaterThan(2);
    for (const name of ["swiftshader", "portable", "discrete"]) expect(inTexturesOf(name)).toEqual([]);
  });

  test("the plan grows by a seventh at most: a choice that listens is asked for smaller textures", () => {
    const asked = new Map<string, number>();
    const choose: ScheduleChoice = (c, standard, textureBytes) => {
      const schedule = inTextures(target, 8)(c, standard, textureBytes);
      const bytes = (o: typeof c.a) => 4 * elementCount(o.read.tensor.type.shape);
      asked.set(c.group.name, Math.min(textureBytes, asked.get(c.group.name) ?? Number.POSITIVE_INFINITY));
      return bytes(c.a) + bytes(c.b) > textureBytes
        ? { ...schedule, storageA: "buffer", storageB: "buffer" }
        : schedule;
    };
    const pooled = model([8, 16, 24, 24], (call, x) => {
      x = call("relu", call("conv2d", x, { channels: 32, kernel: 3, padding: 1 }));
      x = call("maxPool2d", x, { kernel: 3, stride: 2 });
      return call("dense", call("flatten", x), { units: 8 });
    });
    const graph = buildEntries(pooled, { velocity: false }).step!;
    const { plan, problem } = compileEntry(graph, { target, algorithm: "direct", choose });
    expect(plan.textures.length).toBeGreaterThan(0);
    expect(plan.arenaBytes).toBeLessThanOrEqual(1.15 * plan.lowerBoundBytes);
    const stubborn = compileEntry(graph, { target, algorithm: "direct", choose: inTextures(target, 8) });
    expect(stubborn.plan.arenaBytes).toBeGreaterThan(plan.arenaBytes);
    expect([...asked.values()].some(Number.isFinite)).toBe(true);
    expect(problem.kernels.map((k) => k.name)).toEqual(stubborn.problem.kernels.map((k) => k.name));
  });
});

describe("a plan", () => {
  const { plan, problem, program } = compileEntry(gradients!, { target, choose: inTextures(target, 4) });
  const wrong = (broken: Plan) => checkPlan(broken, problem).join("\n");

  test("names its textures, and copies that fill them", () => {
    const json = planToJson(plan, problem);
    expect(json.textures.length).toBe(plan.textures.length);
    const copies = json.dispatches.filter((d) => d.kernel === "copy");
    expect(copies).toHaveLength(plan.textures.length);
    for (const { name, start, end } of json.textures) {
      expect(json.dispatches[start]).toMatchObject({ kernel: "copy", writes: [name] });
      expect(json.dispatches[end - 1].reads).toContain(name);
    }
    expect(print(program)).toMatch(/^copy \(%(.+)\) -> \(%\1\.texture(_\d+)?\)$/m);
    const textures = plan.gpuTextures.reduce((sum, t) => sum + 16 * t.width * t.height, 0);
    expect(plan.arenaBytes).toBe(plan.arenas.reduce((a, b) => a + b, textures));
  });

  test("is wrong where two copies that live together share a texture, or one is missing", () => {
    expect(wrong(plan)).toBe("");
    const both = plan.textures.find((t) => plan.textures.some((u) => u.start === t.start + 1 && u.end === t.end))!;
    const moved = plan.textures.map((t) => (t.start === both.start + 1 ? { ...t, gpuTexture: both.gpuTexture } : t));
    expect(wrong({ ...plan, textures: moved })).toContain(`reads %${both.value.name}, but its texture holds %`);
    expect(wrong({ ...plan, textures: plan.textures.filter((t) => t !== both) })).toContain(
      `reads %${both.source.name} from a texture, but there is none with it by then`,
    );
    const dispatches = plan.dispatches.filter((d) => d.writes[0] !== both.value);
    expect(wrong({ ...plan, dispatches })).toContain(`reads %${both.value.name}, but its texture holds`);
    const small = plan.gpuTextures.map((t) => ({ ...t, width: 1 }));
    expect(wrong({ ...plan, gpuTextures: small })).toContain(`%${both.value.name} has no GPU texture of`);
  });
});

test("a tensor's copy fits any texture that is no smaller; copies that live together are apart", () => {
  const copy = (name: string, elements: number, start: number, end: number) => {
    const value = { name, type: f32(elements) };
    return { value, source: value, size: textureBytes(textureExtent(elements)), start, end };
  };
  const { textures, gpuTextures } = shareTextures([
    copy("small", 64, 0, 2),
    copy("row and a bit", 4 * 8192 + 4, 1, 4),
    copy("later", 400, 2, 5),
  ]);
  expect(gpuTextures).toEqual([
    { width: 8192, height: 2 },
    { width: 100, height: 1 },
  ]);
  expect(textures.map((t) => [t.value.name, t.gpuTexture])).toEqual([
    ["small", 1],
    ["row and a bit", 0],
    ["later", 1],
  ]);
  expect(fitsTexture(8192 * 8192 * 4)).toBe(true);
  expect(fitsTexture(8192 * 8192 * 4 + 4)).toBe(false);
  expect(fitsTexture(6)).toBe(false);
});
