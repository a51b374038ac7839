/** What a golden's numbers are compared by, and how plans and texts that differ are told. */
import { describe, expect, test } from "vitest";
import { compareNumbers, keepNumbers } from "../../cli/golden/keptNumbers.ts";
import type { Numbers, NumbersRun } from "../../cli/golden/numbers.ts";
import { planDifferences } from "../../cli/golden/planDifferences.ts";
import { formatReport } from "../../cli/golden/report.ts";
import { steadyNumbers, usualTolerance as tolerance } from "../../cli/golden/tolerances.ts";
import { numbers as values } from "./kiln.ts";

const none = new Map<string, number>();
const tensor = (data: Float32Array, shape = [data.length]): Numbers => new Map([["t", { shape, values: data }]]);

/** What comparing says where `change` was made to numbers that are kept. */
function differences(data: Float32Array, change: (data: Float32Array) => void, shape = [data.length]) {
  const { file, tensors } = keepNumbers(tensor(data, shape), none);
  const now = data.slice();
  change(now);
  return compareNumbers(file, "n", { tensors, tolerance }, tensor(now, shape));
}

describe("numbers", () => {
  const small = values(24);

  test("within the tolerance of their largest are the same", () => {
    expect(differences(small, (d) => d.forEach((x, i) => (d[i] = x + 4e-4 * (i % 2 ? 1 : -1))))).toEqual([]);
  });

  test("beyond it are told with the worst's place", () => {
    const [difference, ...others] = differences(
      small,
      (d) => {
        d[3] += 0.01;
        d[17] = -2;
      },
      [2, 3, 4],
    );
    expect(others).toEqual([]);
    expect(difference).toMatchObject({ tensor: "t", at: "[1, 1, 1]", got: -2, beyond: [2, 24] });
    expect(difference.expected).toBe(small[17]);
  });

  test("that are none differ from all that are", () => {
    expect(differences(small, (d) => (d[5] = Number.NaN))).toMatchObject([{ at: "[5]", got: Number.NaN }]);
    expect(differences(new Float32Array(3), (d) => (d[1] = Number.POSITIVE_INFINITY))).toHaveLength(1);
  });

  test("of a large tensor are sampled, and the rest is seen in its norm", () => {
    const large = values(100_000);
    expect(differences(large, () => {})).toEqual([]);
    const { tensors } = keepNumbers(tensor(large), none);
    expect(tensors.t.norm).toBeCloseTo(Math.hypot(...large), 3);
    const doubled = differences(large, (d) => d.set(d.map((x, i) => (i % 10 === 0 ? 2 * x : x))));
    expect(doubled[0].beyond[0]).toBeGreaterThan(50);
    // One value is hardly ever in the sample.
    expect(differences(large, (d) => (d[99_999] = 30))).toMatchObject([{ at: "norm", beyond: [0, 1024] }]);
  });

  test("of another shape, new or gone are told so", () => {
    const { file, tensors } = keepNumbers(tensor(small, [4, 6]), none);
    expect(compareNumbers(file, "n", { tensors, tolerance }, tensor(small, [6, 4]))).toMatchObject([
      { at: null, got: "[6, 4]", expected: "[4, 6]" },
    ]);
    expect(compareNumbers(file, "n", { tensors, tolerance }, new Map())).toMatchObject([
      { got: "none", expected: "[4, 6]" },
    ]);
  });
});

describe("a seed", () => {
  /** Numbers that jump by `jump` where noise meets one of these seeds. */
  const run = (jumps: Readonly<Record<number, number>>, inputs = 8) =>
    ({
      inputs,
      compute: async (seed: number, noise?: { draw: number }) =>
        tensor(Float32Array.of(1, noise?.draw === 1 && seed in jumps ? 1 + jumps[seed] : 1 + (noise ? 1e-5 : 0))),
    }) as unknown as NumbersRun;

  test("is taken where noise does not make the numbers jump", async () => {
    const { seed, relative } = await steadyNumbers(run({ 1: 0.1, 2: 0.2 }), 1, tolerance, false);
    expect([seed, relative.size]).toEqual([3, 0]);
  });

  test("else the one that jumps least, with the tolerance that it needs", async () => {
    const few = run({ 1: 0.1, 2: 0.02 }, 2 ** 20);
    const { seed, relative } = await steadyNumbers(few, 1, tolerance, false);
    expect([seed, relative.get("t")]).toEqual([2, 0.08]);
    expect(await steadyNumbers(few, 1, tolerance, true)).toMatchObject({ seed: 1, relative: new Map([["t", 0.4]]) });
  });
});

test("plans: a sentence a change", () => {
  const buffer = { name: "a", shape: [2, 3], offset: 0, size: 256, start: 0, end: 2 };
  const dispatch = { kernel: "k", workgroups: [1, 1, 1], reads: ["input"], writes: ["a"] };
  const plan = {
    arenaBytes: 512,
    lowerBoundBytes: 512,
    persistentBytes: 0,
    buffers: [buffer],
    textures: [],
    dispatches: [dispatch],
  };
  const after = (more: object) => planDifferences(JSON.stringify(plan), JSON.stringify({ ...plan, ...more }));
  expect(after({})).toEqual([]);
  expect(after({ arenaBytes: 768, buffers: [{ ...buffer, offset: 256, end: 3 }] })).toEqual([
    "arenaBytes: 768, was 512",
    "buffer a: offset 256, was 0; life [0, 3), was [0, 2)",
  ]);
  expect(after({ buffers: [{ ...buffer, name: "b" }] })).toEqual([
    "buffer a is gone",
    "buffer b is new: offset 0, size 256, shape [2, 3], life [0, 2)",
  ]);
  expect(after({ dispatches: [{ ...dispatch, workgroups: [2, 1, 1], writes: ["b"] }] })).toEqual([
    "dispatch 0, k: workgroups [2, 1, 1], was [1, 1, 1]; writes [b], was [a]",
  ]);
  expect(after({ dispatches: [dispatch, { ...dispatch, kernel: "l" }] })).toEqual([
    "dispatch 1 is l, was nothing (2 dispatches, were 1)",
  ]);
  expect(planDifferences("no plan", JSON.stringify(plan))).toEqual([]);
});

describe("a report", () => {
  const text = (before: string, after: string) => ({ kind: "text", file: "f", before, after }) as const;
  const report = (before: string, after: string, color = false) =>
    formatReport("m.ts", "d", [text(before, after)], { color, remedy: "do" });

  test("has colours where they are asked for", () => {
    expect(report("a\n", "b\n", true)).toContain("\u001b[31m-a\u001b[0m\n\u001b[32m+b\u001b[0m");
    expect(report("a\n", "b\n")).not.toContain("\u001b");
  });

  test("of texts that have little in common names the first line, in no time", () => {
    const lines = (word: string) => Array.from({ length: 50_000 }, (_, i) => `${word} ${i}`).join("\n");
    expect(report(`same\n${lines("old")}`, `same\n${lines("new")}`)).toContain(
      "line 2 is the first of many that differ\n-old 0\n+new 0",
    );
  }, 10_000);

  test("tells where only the end is another", () => {
    expect(report("a\nb\n", "a\n")).toContain("@@ -1,2 +1,1 @@\n a\n-b");
  });
});
