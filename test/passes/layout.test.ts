import { expect, test } from "vitest";
import type { ExprProgram } from "../../compiler/ir/expr.ts";
import { layout } from "../../compiler/passes/layout.ts";
import { expectText, program } from "../text/helpers.ts";

const head = (stage: string) => `
  ${stage} small train
  image [3, 4, 4] mean [0, 0, 0] std [1, 1, 1]
`;

const expectLayouts = (given: string, expected: string) =>
  expectText(layout(program<ExprProgram>(`${head("expr")}${given}`)), `${head("expr laid out")}${expected}`);

test("images have their channels innermost, weights the outputs of their layer", () => {
  expectLayouts(
    `
    input %input: f32[2,3,4,4]
    labels %labels: i32[2]
    parameter %conv.weight: f32[8,3,3,3] = xavier
    parameter %conv.bias: f32[8] = constant 0
    parameter %dense.weight: f32[5,32] = xavier
    velocity %dense.velocity: f32[5,32] = constant 0
    statistic %mean: f32[8] = constant 0

    %conv[n, o, h, w]: f32[2,8,2,2] = sum over (c<3, p<3, q<3) of
      %input[n, c, h + p, w + q] * %conv.weight[o, c, p, q] from conv2d
    %sum[n, o, h, w]: f32[2,8,2,2] = %conv[n, o, h, w] + %conv.bias[o] from conv2d
    %flat[n, c]: f32[2,32] = %sum[n, c / 4, c / 2 % 2, c % 2] from flatten
    %dense[n, o]: f32[2,5] = sum over (c<32) of %flat[n, c] * %dense.weight[o, c] from dense
    %largest[n]: f32[2] = max over (c<5) of %dense[n, c] from softmaxCrossEntropy
    %loss[]: f32[] = sum over (n<2) of %largest[n] from softmaxCrossEntropy

    output loss = %loss
    `,
    `
    input %input: f32[2,3,4,4] layout nhwc
    labels %labels: i32[2]
    parameter %conv.weight: f32[8,3,3,3] layout hwcn = xavier
    parameter %conv.bias: f32[8] = constant 0
    parameter %dense.weight: f32[5,32] layout [1, 0] = xavier
    velocity %dense.velocity: f32[5,32] layout [1, 0] = constant 0
    statistic %mean: f32[8] = constant 0

    %conv[n, o, h, w]: f32[2,8,2,2] layout nhwc = sum over (c<3, p<3, q<3) of
      %input[n, c, h + p, w + q] * %conv.weight[o, c, p, q] from conv2d
    %sum[n, o, h, w]: f32[2,8,2,2] layout nhwc = %conv[n, o, h, w] + %conv.bias[o] from conv2d
    %flat[n, c]: f32[2,32] layout [0, 1] = %sum[n, c / 4, c / 2 % 2, c % 2] from flatten
    %dense[n, o]: f32[2,5] layout [0, 1] = sum over (c<32) of %flat[n, c] * %dense.weight[o, c] from dense
    %largest[n]: f32[2] = max over (c<5) of %dense[n, c] from softmaxCrossEntropy
    %loss[]: f32[] = sum over (n<2) of %largest[n] from softmaxCrossEntropy

    output loss = %loss
    `,
  );
});

test("a gradient lies as its weight does, and so do its partial sums behind the axes of the split", () => {
  expectLayouts(
    `
    input %x: f32[8,3,4,4]
    input %dy: f32[8,8,2,2]
    parameter %w: f32[8,3,3,3] = xavier

    %dw.partial[ns, o, c, p, q]: f32[4,8,3,3,3] = sum over (n<2, h<2, w<2) of
      %dy[2*ns + n, o, h, w] * %x[2*ns + n, c, h + p, w + q] from conv2dWeightGradient
    %dw[o, c, p, q]: f32[8,3,3,3] = sum over (ns<4) of %dw.partial[ns, o, c, p, q] from conv2dWeightGradient
    %w.next[n, c, h, w]: f32[8,3,3,3] = %w[n, c, h, w] - uniform(lr) * %dw[n, c, h, w] from sgd

    update %w <- %w.next
    `,
    `
    input %x: f32[8,3,4,4] layout nhwc
    input %dy: f32[8,8,2,2] layout nhwc
    parameter %w: f32[8,3,3,3] layout hwcn = xavier

    %dw.partial[ns, o, c, p, q]: f32[4,8,3,3,3] layout [0, 3, 4, 2, 1] = sum over (n<2, h<2, w<2) of
      %dy[2*ns + n, o, h, w] * %x[2*ns + n, c, h + p, w + q] from conv2dWeightGradient
    %dw[o, c, p, q]: f32[8,3,3,3] layout hwcn = sum over (ns<4) of
      %dw.partial[ns, o, c, p, q] from conv2dWeightGradient
    %w.next[n, c, h, w]: f32[8,3,3,3] layout hwcn = %w[n, c, h, w] - uniform(lr) * %dw[n, c, h, w] from sgd

    update %w <- %w.next
    `,
  );
});

test("gradients that come in lie as parameters do: the update reads both side by side", () => {
  expectLayouts(
    `
    gradient %grad.w: f32[5,32]
    gradient %grad.v: f32[8,3,3,3]
    parameter %w: f32[5,32] = xavier
    %w.next[i, j]: f32[5,32] = %w[i, j] - uniform(lr) * %grad.w[i, j] from sgd
    update %w <- %w.next
    `,
    `
    gradient %grad.w: f32[5,32] layout [1, 0]
    gradient %grad.v: f32[8,3,3,3] layout hwcn
    parameter %w: f32[5,32] layout [1, 0] = xavier
    %w.next[i, j]: f32[5,32] layout [1, 0] = %w[i, j] - uniform(lr) * %grad.w[i, j] from sgd
    update %w <- %w.next
    `,
  );
});

test("a weight that is read elsewhere than at its own place does not hand on its order", () => {
  expectLayouts(
    `
    parameter %w: f32[4,4] = xavier
    %turned[i, j]: f32[4,4] = %w[j, i] from transpose
    %cube[i, j, k]: f32[4,4,4] = %turned[i, j] + %w[j, k] from add
    output output = %cube
    `,
    `
    parameter %w: f32[4,4] layout [1, 0] = xavier
    %turned[i, j]: f32[4,4] layout [0, 1] = %w[j, i] from transpose
    %cube[i, j, k]: f32[4,4,4] layout [0, 1, 2] = %turned[i, j] + %w[j, k] from add
    output output = %cube
    `,
  );
});

test("definitions are left as they are", () => {
  const given = program<ExprProgram>(`${head("expr")}
    input %x: f32[2,3]
    %y[n, c]: f32[2,3] = exp(%x[n, c]) from op
    output output = %y
  `);
  expect(layout(given).definitions).toBe(given.definitions);
});
