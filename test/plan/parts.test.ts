/** Values stored inside others: what is wrong with a program of them, where a plan puts them, and what its check finds. */
import { describe, expect, test } from "vitest";
import type { FusedProgram } from "../../compiler/ir/fused.ts";
import type { Plan, PlanBuffer } from "../../compiler/ir/plan.ts";
import { fusedProblems } from "../../compiler/ir/verifyFused.ts";
import { planProgram } from "../../compiler/pipeline.ts";
import { checkPlan } from "../../compiler/plan/check.ts";
import { planProblem } from "../../compiler/plan/problem.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { parse } from "../../compiler/text/parse.ts";

const target = loadTarget("portable");

interface Choices {
  /** Of %y.b. */
  readonly from: number;
  readonly columns: number;
  /** What the group for the first rows stores. */
  readonly first: string;
}

/** %y in two parts, each twice the part of %x; then %z of the whole. */
const program = ({ from = 2, columns = 64, first = "y.a" }: Partial<Choices> = {}) => {
  const type = (rows: number) => `f32[${rows},${columns}] layout [0, 1]`;
  const text = `fused m infer image [1, 2, 2] mean [0] std [1]
input %x: ${type(4)}
part %x.a: ${type(2)} of %x: ${type(4)} from 0
part %x.b: ${type(2)} of %x: ${type(4)} from 2
part %y.a: ${type(2)} of %y: ${type(4)} from 0
part %y.b: ${type(2)} of %y: ${type(4)} from ${from}
group a over (n<2, c<${columns}) {
  store %${first}[n, c]: ${type(2)} = %x.a[n, c] * 2.0
}
group b over (n<2, c<${columns}) {
  store %y.b[n, c]: ${type(2)} = %x.b[n, c] * 2.0
}
group z over (n<4, c<${columns}) {
  store %z[n, c]: ${type(4)} = %y[n, c] + 1.0
}
output output = %z`;
  return parse(text) as FusedProgram;
};

describe("a program", () => {
  test("whose parts make up the whole is valid", () => {
    expect(fusedProblems(program())).toEqual([]);
  });

  test.each<[string, Partial<Choices>, string]>([
    ["of which rows are missing", { first: "w" }, "group z reads %y, which is not defined before it"],
    ["whose part begins inside another", { from: 1 }, "group z reads %y, which is not defined before it"],
    ["that begins between", { columns: 60 }, "%x.b begins 480 bytes into %x, no multiple of 256"],
  ])("%s is not", (_, choices, problem) => {
    expect(fusedProblems(program(choices))).toContain(problem);
  });
});

describe("a plan", () => {
  const planned = planProgram(program(), { target });
  const problem = planProblem(planned, target);
  const place = (name: string) => {
    const { offset, size, start, end } = planned.plan.buffers.find((b) => b.value.name === name)!;
    return { offset, size, start, end };
  };

  test("has the parts inside the whole, as long as that lives", () => {
    expect(checkPlan(planned.plan, problem)).toEqual([]);
    const { offset, start, end } = place("y");
    expect(place("y")).toEqual({ offset, size: 1024, start: 0, end: 3 });
    expect(place("y.a")).toEqual({ offset, size: 512, start, end });
    expect(place("y.b")).toEqual({ offset: offset + 512, size: 512, start, end });
    expect(place("z").offset).toBe(offset);
  });

  const changed = (name: string, change: Partial<PlanBuffer>): Plan => ({
    ...planned.plan,
    buffers: planned.plan.buffers.map((b) => (b.value.name === name ? { ...b, ...change } : b)),
  });

  test.each<[string, string, Partial<PlanBuffer>, RegExp]>([
    ["elsewhere", "y.b", { offset: place("y").offset + 256 }, /%y\.b begins at \d+, not at 512 of %y/],
    ["over what is still read", "y.a", { offset: place("x").offset + 512 }, /overwritten|not at 0 of %y/],
    ["shorter than the whole", "y.b", { end: 2 }, /%y\.b lives over \[0, 3\), but the plan says \[0, 2\)/],
    ["later than the first part", "y", { start: 1 }, /%y lives over \[0, 3\), but the plan says \[1, 3\)/],
  ])("with a part %s is wrong", (_, name, change, problemText) => {
    expect(checkPlan(changed(name, change), problem).join("\n")).toMatch(problemText);
  });
});
