import { describe, expect, test } from "vitest";
import type { ExprProgram } from "../../compiler/ir/expr.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { differentiate } from "../../compiler/passes/autodiff.ts";
import { mergeCommonDefinitions } from "../../compiler/passes/commonDefinitions.ts";
import { mergeCommonSubexpressions } from "../../compiler/passes/commonSubexpressions.ts";
import { removeDeadDefinitions } from "../../compiler/passes/deadDefinitions.ts";
import { removeDeadValues } from "../../compiler/passes/deadValues.ts";
import { foldConstants } from "../../compiler/passes/foldConstants.ts";
import { removeIdentities } from "../../compiler/passes/identities.ts";
import { numberStreams } from "../../compiler/passes/numberStreams.ts";
import { moveReluBehindPool } from "../../compiler/passes/reluBehindPool.ts";
import { bindingsFor, draws, prepare } from "../ops/support.ts";
import { expectText, program } from "../text/helpers.ts";

const head = (stage: string, mode = "train") => `
  ${stage} small ${mode}
  image [2, 4, 4] mean [0, 0] std [1, 1]
  input %input: f32[2,2,4,4]
`;

/** The whole graph after a pass, given and expected without their head. */
const expectGraph = (pass: (g: Graph) => Graph, given: string, expected: string, mode = "train") =>
  expectText(pass(program<Graph>(`${head("graph", mode)}${given}`)), `${head("graph", mode)}${expected}`);

const expectExpr = (pass: (p: ExprProgram) => ExprProgram, given: string, expected: string) =>
  expectText(pass(program<ExprProgram>(`${head("expr")}${given}`)), `${head("expr")}${expected}`);

test("dead values", () => {
  expectGraph(
    removeDeadValues,
    `
    %a: f32[2,2,4,4] = relu(x: %input)
    %b: f32[2,2,4,4] = relu(x: %a)
    %c: f32[2,2,4,4] = add(a: %b, b: %a)
    output output = %a
    `,
    `
    %a: f32[2,2,4,4] = relu(x: %input)
    output output = %a
    `,
  );
});

test("common subexpressions, also of what was merged", () => {
  expectGraph(
    mergeCommonSubexpressions,
    `
    %a: f32[2,2,4,4] = relu(x: %input)
    %b: f32[2,2,4,4] = relu(x: %input)
    %c: f32[2,2,4,4] = softmax(x: %a) { axis: 1 }
    %d: f32[2,2,4,4] = softmax(x: %b) { axis: 1 }
    %e: f32[2,2,4,4] = softmax(x: %b) { axis: 2 }
    %f: f32[2,2,4,4] = add(a: %d, b: %e)
    output output = %f
    `,
    `
    %a: f32[2,2,4,4] = relu(x: %input)
    %c: f32[2,2,4,4] = softmax(x: %a) { axis: 1 }
    %e: f32[2,2,4,4] = softmax(x: %a) { axis: 2 }
    %f: f32[2,2,4,4] = add(a: %c, b: %e)
    output output = %f
    `,
  );
});

test("two dropouts stay two", () => {
  const given = `
    %a: f32[2,2,4,4] = dropout(x: %input) { rate: 0.5, stream: 0 }
    %b: f32[2,2,4,4] = dropout(x: %input) { rate: 0.5, stream: 0 }
    %c: f32[2,2,4,4] = add(a: %a, b: %b)
    output output = %c
  `;
  expectGraph(
    (g) => mergeCommonSubexpressions(numberStreams(g)),
    given,
    given.replace("stream: 0", "stream: 1").replace("stream: 0", "stream: 2"),
  );
});

describe("identities", () => {
  const given = `
    %a: f32[2,2,4,4] = relu(x: %input)
    %b: f32[2,2,4,4] = dropout(x: %a) { rate: 0, stream: 1 }
    %c: f32[2,2,4,4] = resize(x: %b) { height: 4, width: 4 }
    %d: f32[2,2,4,4] = concat(tensors: [%c]) { axis: 1 }
    %e: f32[2,2,4,4] as "0" = split(x: %d) { sections: 1, axis: 1 }
    %f: f32[2,32] = flatten(x: %e)
    %g: f32[2,32] = flatten(x: %f)
    output output = %g
  `;
  const expected = `
    %a: f32[2,2,4,4] = relu(x: %input)
    %f: f32[2,32] = flatten(x: %a)
    output output = %f
  `;
  test("of every op that has one", () => expectGraph(removeIdentities, given, expected));

  const dropout = `
    %a: f32[2,2,4,4] = relu(x: %input)
    %b: f32[2,2,4,4] = dropout(x: %a) { rate: 0.5, stream: 1 }
    output output = %b
  `;
  test("dropout stays in training", () => expectGraph(removeIdentities, dropout, dropout));
  test("dropout goes in inference", () =>
    expectGraph(
      removeIdentities,
      dropout,
      `
      %a: f32[2,2,4,4] = relu(x: %input)
      output output = %a
      `,
      "infer",
    ));

  test("one between input and output stays, since outputs have storage of their own", () => {
    const only = `
      %a: f32[2,2,4,4] = resize(x: %input) { height: 4, width: 4 }
      output output = %a
    `;
    expectGraph(removeIdentities, only, only);
  });
});

describe("relu behind max pooling", () => {
  const pool = "{ kernel: [2, 2], stride: [2, 2], padding: [1, 1] }";
  const given = `
    %a: f32[2,2,4,4] = relu(x: %input)
    %b: f32[2,2,3,3], %b.winner: u32[2,2,3,3] as winner = maxPool2d(x: %a) ${pool}
    output output = %b
  `;
  test("moves", () =>
    expectGraph(
      moveReluBehindPool,
      given,
      `
      %b.largest: f32[2,2,3,3], %b.winner: u32[2,2,3,3] as winner = maxPool2d(x: %input) ${pool}
      %b: f32[2,2,3,3] = relu(x: %b.largest)
      output output = %b
      `,
    ));

  test("stays where something else reads it", () => {
    const used = given.replace(
      "output output",
      "%c: f32[2,2,4,4] = add(a: %a, b: %a)\n output also = %c\n output output",
    );
    expectGraph(moveReluBehindPool, used, used);
  });

  test("stays where a window may hold padding alone", () => {
    const padded = given.replaceAll("padding: [1, 1]", "padding: [2, 2]").replaceAll("2,2,3,3", "2,2,4,4");
    expectGraph(moveReluBehindPool, padded, padded);
  });

  test("changes neither values nor gradients, ties and negative windows included", () => {
    const graph = program<Graph>(`${head("graph")}${given}`);
    const results = [graph, moveReluBehindPool(graph)].map((g) => {
      const joint = differentiate(g, { target: "cotangent", gradients: "all" });
      const { run, output } = prepare(joint);
      // Few different numbers, so that maxima tie, and whole windows below 0.
      const bindings = new Map(
        [...bindingsFor(joint, draws(9))].map(([v, data]) => [v, data.map((x) => Math.round(x * 2 - 0.5))]),
      );
      const values = run(bindings);
      return [output(values, "output"), output(values, "grad.input")];
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[0][1].some((v) => v !== 0)).toBe(true);
  });
});

describe("index expressions", () => {
  test("common definitions: small ones, under any names of axes", () => {
    expectExpr(
      mergeCommonDefinitions,
      `
      %a[n]: f32[2] = max over (c<2) of %input[n, c, 0, 0] from softmax
      %b[i]: f32[2] = max over (q<2) of %input[i, q, 0, 0] from softmax
      %c[n]: f32[2] = sum over (c<2) of %input[n, c, 0, 0] from softmax
      %d[n]: f32[2] = %a[n] + %b[n] * %c[n] from add
      output output = %d
      `,
      `
      %a[n]: f32[2] = max over (c<2) of %input[n, c, 0, 0] from softmax
      %c[n]: f32[2] = sum over (c<2) of %input[n, c, 0, 0] from softmax
      %d[n]: f32[2] = %a[n] + %a[n] * %c[n] from add
      output output = %d
      `,
    );
  });

  test("what is as large as what it is computed from is computed again rather than kept", () => {
    const given = `
      input %big: f32[2,64,64]
      %a[n, i, j]: f32[2,64,64] = %big[n, i, j] * 2.0 from op
      %b[n, i, j]: f32[2,64,64] = %big[n, i, j] * 2.0 from op
      output a = %a
      output b = %b
    `;
    expectExpr(mergeCommonDefinitions, given, given);
  });

  test("a definition that replaces a state is not merged into an earlier one", () => {
    const given = `
      parameter %w: f32[2] = constant 0
      %a[n]: f32[2] = %w[n] * 2.0 from op
      %b[n]: f32[2] = %w[n] * 2.0 from op
      output output = %a
      update %w <- %b
    `;
    expectExpr(mergeCommonDefinitions, given, given);
  });

  test("dead definitions, and positions that nobody reads", () => {
    expectExpr(
      removeDeadDefinitions,
      `
      %a[n, c, i, j]: f32[2,2,2,2], %p[n, c, i, j]: u32[2,2,2,2] = firstMax over (p<2, q<2) of %input[n, c, p + 2*i, q + 2*j] from maxPool2d
      %b[n]: f32[2] = %input[n, 0, 0, 0] from op
      output output = %a
      `,
      `
      %a[n, c, i, j]: f32[2,2,2,2] = max over (p<2, q<2) of %input[n, c, p + 2*i, q + 2*j] from maxPool2d
      output output = %a
      `,
    );
  });

  test("constants", () => {
    expectExpr(
      foldConstants,
      `
      %one[]: f32[] = 1.0 from constant
      %a[n]: f32[2] = (%input[n, 0, 0, 0] - 0.0) * %one[] / 1.0 + %one[] / 4.0 from op
      output output = %a
      `,
      `
      %one[]: f32[] = 1.0 from constant
      %a[n]: f32[2] = %input[n, 0, 0, 0] + 0.25 from op
      output output = %a
      `,
    );
  });
});
