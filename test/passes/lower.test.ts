import { describe, expect, test } from "vitest";
import type { ExprProgram } from "../../compiler/ir/expr.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { Axis, Index } from "../../compiler/ir/index.ts";
import { Scalar } from "../../compiler/ir/scalar.ts";
import { f32, type Value } from "../../compiler/ir/types.ts";
import { exprProblems } from "../../compiler/ir/verifyExpr.ts";
import { graphProblems } from "../../compiler/ir/verifyGraph.ts";
import { lower } from "../../compiler/passes/lower.ts";
import { evaluate } from "../../compiler/reference/evaluate.ts";
import { expectText, program } from "../text/helpers.ts";

const image = "image [2, 5, 5] mean [0, 0] std [1, 1]";

describe("lower", () => {
  test("a convolution with groups and bias, a pool and a dense layer", () => {
    const graph = program<Graph>(`
      graph small train
      ${image}
      input %input: f32[3,2,5,5]
      parameter %w: f32[4,1,3,3] = xavier
      parameter %b: f32[4] = constant 0
      parameter %v: f32[6,4] = xavier
      %conv: f32[3,4,3,3] = conv2d(x: %input, weight: %w, bias: %b) { channels: 4, kernel: [3, 3], stride: [2, 2], padding: [1, 1], dilation: [1, 1], groups: 2 } @ small.ts:3:7
      %pool: f32[3,4,1,1], %pool.winner: u32[3,4,1,1] as winner = maxPool2d(x: %conv) { kernel: [3, 3], stride: [3, 3], padding: [0, 0] }
      %flat: f32[3,4] = flatten(x: %pool)
      %out: f32[3,6] = dense(x: %flat, weight: %v) { units: 6 }
      output output = %out
    `);
    expectText(
      lower(graph),
      `
      expr small train
      ${image}
      input %input: f32[3,2,5,5]
      parameter %w: f32[4,1,3,3] = xavier
      parameter %b: f32[4] = constant 0
      parameter %v: f32[6,4] = xavier
      %conv.sum[n, o, h, w]: f32[3,4,3,3] = sum over (c<1, p<3, q<3) of
        (%input[n, o / 2, p + 2*h - 1, q + 2*w - 1]
          where p + 2*h - 1 >= 0 and -p - 2*h + 5 >= 0 and q + 2*w - 1 >= 0 and -q - 2*w + 5 >= 0)
        * %w[o, 0, p, q]
        from conv2d @ small.ts:3:7
      %conv[n, o, h, w]: f32[3,4,3,3] = %conv.sum[n, o, h, w] + %b[o] from conv2d @ small.ts:3:7
      %pool[n, c, h, w]: f32[3,4,1,1], %pool.winner[n, c, h, w]: u32[3,4,1,1] = firstMax over (p<3, q<3) of
        %conv[n, c, p, q] from maxPool2d
      %flat[n, c]: f32[3,4] = %pool[n, c, 0, 0] from flatten
      %out[n, o]: f32[3,6] = sum over (c<4) of %flat[n, c] * %v[o, c] from dense
      output output = %out
    `,
    );
  });

  test("asks for inference in infer mode, and copies what an op only hands on", () => {
    const graph = program<Graph>(`
      graph small infer
      ${image}
      input %input: f32[3,2,5,5]
      %d: f32[3,2,5,5] = dropout(x: %input) { rate: 0.5, stream: 1 }
      output output = %d
    `);
    expectText(
      lower(graph),
      `
      expr small infer
      ${image}
      input %input: f32[3,2,5,5]
      %d[n, c, h, w]: f32[3,2,5,5] = %input[n, c, h, w] from dropout
      output output = %d
    `,
    );
  });

  test("draws from the node's stream", () => {
    const graph = program<Graph>(`
      graph small train
      ${image}
      input %input: f32[3,2]
      %d: f32[3,2] = dropout(x: %input) { rate: 0.5, stream: 3 }
      output output = %d
    `);
    expectText(
      lower(graph),
      `
      expr small train
      ${image}
      input %input: f32[3,2]
      %d[n, c]: f32[3,2] = select(random(3, 2*n + c) < 0.5, 0.0, %input[n, c] / 0.5) from dropout
      output output = %d
    `,
    );
  });
});

describe("verifyGraph", () => {
  const valid = `
    graph small train
    ${image}
    input %input: f32[3,2,5,5]
    parameter %v: f32[6,50] = xavier
    %flat: f32[3,50] = flatten(x: %input)
    %out: f32[3,6] = dense(x: %flat, weight: %v) { units: 6 }
    output output = %out
  `;
  const problems = (change: (text: string) => string) => graphProblems(program<Graph>(change(valid)));

  test("accepts a valid graph", () => expect(problems((t) => t)).toEqual([]));
  test.each<[string, string, string]>([
    ["= dense", "= dance", "dance (node 1): there is no such op"],
    ["units: 6", "unit: 6", "dense (node 1): there is no option unit"],
    ["{ units: 6 }", "", "dense (node 1): option units is missing"],
    ["units: 6", "units: 7", "dense (node 1): output y is f32[3,6], not f32[3,7]"],
    ["x: %flat, weight: %v", "weight: %v, x: %flat", "dense (node 1): inputs are not in the op's order: x, weight"],
    ["x: %flat, weight", "x: %input, weight", "dense (node 1): dense: x is f32[3,2,5,5], but must be a matrix [N, F]"],
    ["f32[6,50]", "f32[6,49]", "dense (node 1): weight is f32[6,49], not [6,50]"],
    ["= %out", "= %out\n output output = %flat", "two outputs are called output"],
    [`${image}\n`, `${image}\n classes 4\n`, "the model has 4 classes, but its output is f32[3,6]"],
  ])("%s -> %s", (from, to, problem) => {
    expect(problems((t) => t.replace(from, to))).toContain(problem);
  });

  test("finds values that are read too early, defined twice or named twice", () => {
    const graph = program<Graph>(valid);
    const [flat, out] = graph.nodes;
    expect(graphProblems({ ...graph, nodes: [out, flat] })).toContain(
      "dense (node 0) reads %flat, which is not defined before it",
    );
    expect(graphProblems({ ...graph, nodes: [flat, flat, out] })).toContain("%flat is defined twice");
    const again = { ...flat, outputs: { y: { ...flat.outputs.y } } };
    expect(graphProblems({ ...graph, nodes: [flat, again, out] })).toContain("two values are called %flat");
  });
});

describe("verifyExpr", () => {
  const valid = `
    expr small train
    ${image}
    input %input: f32[3,8]
    parameter %w: f32[3] = constant 0
    %a[n]: f32[3] = sum over (c<6) of (%input[n, c + 3] where -c + 4 >= 0) from op
    %b[n]: f32[3] = %w[n] - %a[n] from op
    output output = %a
    update %w <- %b
  `;
  const problems = (from: string, to: string) => exprProblems(program<ExprProgram>(valid.replace(from, to)));

  test("accepts a valid program", () => expect(problems("", "")).toEqual([]));
  test.each<[string, string, string]>([
    [" where -c + 4 >= 0", "", "%a: dimension 1 of %input, f32[3,8], may be read outside it"],
    [" where -c + 4 >= 0", " where -c + 5 >= 0", "%a: dimension 1 of %input, f32[3,8], may be read outside it"],
    ["c + 3]", "c - 1]", "%a: dimension 1 of %input, f32[3,8], may be read outside it"],
    ["%b[n]: f32[3] =", "%b[n]: f32[3] = index(n) +", "%b: add(i32, f32) as i32"],
    ["%w <- %b", "%input <- %b", "%input is updated, but is no state"],
    ["output output", "%c[n]: f32[3] = %w[n] from op\n output output", "%w is read after %b has replaced it"],
  ])("%s -> %s", (from, to, problem) => {
    expect(problems(from, to)).toContain(problem);
  });
});

describe("evaluate", () => {
  const output: Value = { name: "y", type: { dtype: "i32", shape: [7] } };
  const axis = new Axis("i", 7);
  const of = (body: Scalar): number[] => {
    const definition = {
      outputs: [{ ...output, type: { ...output.type, dtype: body.dtype } } as Value],
      axes: [axis],
      body,
      op: "t",
    };
    const given: ExprProgram = {
      ...lower(program<Graph>(`graph small train\n${image}\ninput %input: f32[1]\n`)),
      definitions: [definition],
    };
    return [...evaluate(given, new Map(), { lr: 0.5 }).get(definition.outputs[0])!];
  };
  const i = Scalar.index(axis);

  test("integers divide towards zero, indices towards minus infinity", () => {
    expect(of(i.minus(3).over(2))).toEqual([-1, -1, -0, 0, 0, 1, 1]);
    expect(of(Scalar.index(Index.of(axis).minus(3).div(2)))).toEqual([-2, -1, -1, 0, 0, 1, 1]);
    expect(of(Scalar.index(Index.of(axis).minus(3).mod(2)))).toEqual([1, 0, 1, 0, 1, 0, 1]);
    expect(of(Scalar.index(Index.of(axis).minus(3).clamp(-1, 2)))).toEqual([-1, -1, -1, 0, 1, 2, 2]);
  });
  test("bits of u32", () => {
    const high = i.toU32().plus(Scalar.constant(0xfffffff8, "u32"));
    expect(of(high.shiftRight(28))).toEqual([15, 15, 15, 15, 15, 15, 15]);
    expect(of(high.bitAnd(0xf000000f))[1]).toBe(0xf0000009);
  });
  test("selects, uniforms and functions of f32", () => {
    expect(of(Scalar.select(i.lessThan(2), Scalar.uniform("lr"), i.toF32().sqrt()))).toEqual([
      0.5,
      0.5,
      ...[2, 3, 4, 5, 6].map(Math.sqrt),
    ]);
  });
  test("says what is missing", () => {
    const x: Value = { name: "x", type: f32(7) };
    const read = new Scalar({ kind: "read", tensor: x, index: [Index.of(axis)], guard: [], fill: 0 }, "f32");
    expect(() => of(read)).toThrow("%y reads %x, which has no value");
    expect(() => of(Scalar.uniform("momentum"))).toThrow("%y needs the uniform momentum");
  });
});
