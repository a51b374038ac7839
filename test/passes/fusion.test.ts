/** Fusion does not look at layouts: the programs here have none. */
import { describe, expect, test } from "vitest";
import type { LaidOutProgram } from "../../compiler/ir/expr.ts";
import type { FusedProgram } from "../../compiler/ir/fused.ts";
import { fusion } from "../../compiler/passes/fusion.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { expectText, program } from "../text/helpers.ts";

const head = (stage: string) => `
  ${stage} small train
  image [3, 6, 6] mean [0, 0, 0] std [1, 1, 1]
`;

const fuse = (given: string, target = "portable"): FusedProgram =>
  fusion(program<LaidOutProgram>(`${head("expr laid out")}${given}`), loadTarget(target));

/** The whole program: `enter` and `leave` are what both stages have, inputs and states, outputs and updates. */
const expectGroups = (enter: string, given: string, groups: string, leave: string) =>
  expectText(fuse([enter, given, leave].join("\n")), [head("fused"), enter, groups, leave].join("\n"));

const namesOf = (fused: FusedProgram): string[] => fused.groups.map((g) => g.name);

describe("what follows a contraction, element by element, is done by the group that computes it", () => {
  test("bias and relu of a convolution", () => {
    expectGroups(
      `
      input %input: f32[2,3,6,6]
      parameter %w: f32[8,3,3,3] = xavier
      parameter %b: f32[8] = constant 0
      `,
      `
      %conv.sum[n, o, h, w]: f32[2,8,4,4] = sum over (c<3, p<3, q<3) of
        %input[n, c, h + p, w + q] * %w[o, c, p, q] from conv2d @ m.ts:3:7
      %conv[n, o, h, w]: f32[2,8,4,4] = %conv.sum[n, o, h, w] + %b[o] from conv2d @ m.ts:3:7
      %relu[n, c, h, w]: f32[2,8,4,4] = max(%conv[n, c, h, w], 0.0) from relu @ m.ts:4:7
      `,
      `
      group conv2d_relu over (n<2, o<8, h<4, w<4) from conv2d, conv2d, relu @ m.ts:3:7 @ m.ts:4:7 {
        sum: f32 = sum over (c<3, p<3, q<3) of %input[n, c, h + p, w + q] * %w[o, c, p, q]
        store %relu[n, o, h, w]: f32[2,8,4,4] = max(sum + %b[o], 0.0)
      }
      `,
      "output output = %relu",
    );
  });

  test("a group is computed as the first of its definitions that names an algorithm", () => {
    expectGroups(
      `
      input %parts: f32[4,2,8]
      parameter %b: f32[8] = constant 0
      `,
      `
      %y.sum[n, o]: f32[2,8] = sum over (s<4) of %parts[s, n, o] from dense by split
      %y[n, o]: f32[2,8] = %y.sum[n, o] + %b[o] from dense
      %z[n, c]: f32[2,8] = max(%y[n, c], 0.0) from relu by another
      `,
      `
      group dense_z over (n<2, o<8) from dense, dense, relu by split {
        sum: f32 = sum over (s<4) of %parts[s, n, o]
        store %z[n, o]: f32[2,8] = max(sum + %b[o], 0.0)
      }
      `,
      "output output = %z",
    );
  });

  test("relu's mask, where the cotangent comes from", () => {
    expectGroups(
      `
      input %y: f32[2,8,4,4]
      input %dz: f32[2,4,2,2]
      parameter %w: f32[4,8,3,3] = xavier
      `,
      `
      %dy[n, c, h, w]: f32[2,8,4,4] = sum over (o<4, p<3, q<3) of
        (%dz[n, o, h - p, w - q] where h - p >= 0 and h - p <= 1 and w - q >= 0 and w - q <= 1)
        * %w[o, c, p, q] from conv2dInputGradient
      %dx[n, c, h, w]: f32[2,8,4,4] = select(0.0 < %y[n, c, h, w], %dy[n, c, h, w], 0.0) from reluGradient
      `,
      `
      group conv2dInputGradient_dx over (n<2, c<8, h<4, w<4) from conv2dInputGradient, reluGradient {
        sum: f32 = sum over (o<4, p<3, q<3) of
          (%dz[n, o, h - p, w - q] where h - p >= 0 and h - p <= 1 and w - q >= 0 and w - q <= 1)
          * %w[o, c, p, q]
        store %dx[n, c, h, w]: f32[2,8,4,4] = select(0.0 < %y[n, c, h, w], sum, 0.0)
      }
      `,
      "output grad.input = %dx",
    );
  });

  test("not what reads it at another place", () => {
    const fused = fuse(`
      input %x: f32[4,8]
      parameter %w: f32[4,8] = xavier
      %y[n, o]: f32[4,4] = sum over (c<8) of %x[n, c] * %w[o, c] from dense
      %turned[o, n]: f32[4,4] = exp(%y[n, o]) from op
      %twice[n, o]: f32[4,4] = %y[n, o] + %y[o, n] from op
      output a = %turned
      output b = %twice
    `);
    expect(fused.groups.map((g) => g.ops)).toEqual([["dense", "op"], ["op"]]);
    expect(namesOf(fused)).toEqual(["dense_turned", "op_twice"]);
  });
});

describe("the update is done by the group that finishes the gradient", () => {
  const enter = `
    input %x: f32[2,4]
    input %dy: f32[2,3]
    parameter %w: f32[3,4] = xavier
  `;
  const gradient = `
    %dw[o, c]: f32[3,4] = sum over (n<2) of %dy[n, o] * %x[n, c] from denseWeightGradient
  `;
  const sgd = `
    %w.next[i, j]: f32[3,4] = %w[i, j] - uniform(lr) * (%dw[i, j] + uniform(weightDecay) * %w[i, j]) from sgd
  `;

  test("which is not stored then", () => {
    expectGroups(
      enter,
      gradient + sgd,
      `
      group denseWeightGradient_w_next over (o<3, c<4) from denseWeightGradient, sgd {
        sum: f32 = sum over (n<2) of %dy[n, o] * %x[n, c]
        store %w.next[o, c]: f32[3,4] = %w[o, c] - uniform(lr) * (sum + uniform(weightDecay) * %w[o, c])
      }
      `,
      "update %w <- %w.next",
    );
  });

  test("unless it is asked for", () => {
    expectGroups(
      enter,
      gradient + sgd,
      `
      group denseWeightGradient_w_next over (o<3, c<4) from denseWeightGradient, sgd {
        sum: f32 = sum over (n<2) of %dy[n, o] * %x[n, c]
        store %dw[o, c]: f32[3,4] = sum
        store %w.next[o, c]: f32[3,4] = %w[o, c] - uniform(lr) * (sum + uniform(weightDecay) * %w[o, c])
      }
      `,
      "output grad.w = %dw update %w <- %w.next",
    );
  });

  test("with momentum it stores parameter and velocity", () => {
    expectGroups(
      `${enter}
      velocity %v: f32[3,4] = constant 0
      `,
      `${gradient}
      %v.next[i, j]: f32[3,4] =
        uniform(momentum) * %v[i, j] + (%dw[i, j] + uniform(weightDecay) * %w[i, j]) from sgd
      %w.next[i, j]: f32[3,4] = %w[i, j] - uniform(lr) * %v.next[i, j] from sgd
      `,
      `
      group denseWeightGradient_w_next over (o<3, c<4) from denseWeightGradient, sgd, sgd {
        sum: f32 = sum over (n<2) of %dy[n, o] * %x[n, c]
        store %v.next[o, c]: f32[3,4] = uniform(momentum) * %v[o, c] + (sum + uniform(weightDecay) * %w[o, c])
        store %w.next[o, c]: f32[3,4] =
          %w[o, c] - uniform(lr) * (uniform(momentum) * %v[o, c] + (sum + uniform(weightDecay) * %w[o, c]))
      }
      `,
      "update %v <- %v.next update %w <- %w.next",
    );
  });

  test("and runs after the last reader of what it replaces", () => {
    const fused = fuse(`${enter}${gradient}${sgd}
      %dx[n, c]: f32[2,4] = sum over (o<3) of %dy[n, o] * %w[o, c] from denseInputGradient
      output grad.input = %dx
      update %w <- %w.next
    `);
    expect(namesOf(fused)).toEqual(["denseInputGradient_dx", "denseWeightGradient_w_next"]);
  });

  test("but stands alone where a reader of the state waits for the gradient", () => {
    expectGroups(
      enter,
      `${gradient}
      %size[o]: f32[3] = max over (c<4) of abs(%dw[o, c]) from op
      %z[c]: f32[4] = sum over (o<3) of %size[o] * %w[o, c] from dense
      ${sgd}
      `,
      `
      group denseWeightGradient_dw over (o<3, c<4) from denseWeightGradient {
        sum: f32 = sum over (n<2) of %dy[n, o] * %x[n, c]
        store %dw[o, c]: f32[3,4] = sum
      }
      group op_size over (o<3) from op {
        max: f32 = max over (c<4) of abs(%dw[o, c])
        store %size[o]: f32[3] = max
      }
      group dense_z over (c<4) from dense {
        sum: f32 = sum over (o<3) of %size[o] * %w[o, c]
        store %z[c]: f32[4] = sum
      }
      group sgd_w_next over (i<3, j<4) from sgd {
        store %w.next[i, j]: f32[3,4] = %w[i, j] - uniform(lr) * (%dw[i, j] + uniform(weightDecay) * %w[i, j])
      }
      `,
      "output z = %z update %w <- %w.next",
    );
  });

  test("a group that reads more of a state than the element it replaces does not replace it", () => {
    expectGroups(
      "parameter %w: f32[3,4] = xavier",
      `
      %size[i]: f32[3] = sum over (j<4) of %w[i, j] from op
      %w.next[i, j]: f32[3,4] = %w[i, j] / %size[i] from op
      `,
      `
      group op_size over (i<3) from op {
        sum: f32 = sum over (j<4) of %w[i, j]
        store %size[i]: f32[3] = sum
      }
      group op_w_next over (i<3, j<4) from op {
        store %w.next[i, j]: f32[3,4] = %w[i, j] / %size[i]
      }
      `,
      "update %w <- %w.next",
    );
  });
});

describe("a row that several definitions run through is one group", () => {
  const enter = `
    input %x: f32[2,3]
    labels %labels: i32[2]
  `;
  const loss = `
    %largest[n]: f32[2] = max over (c<3) of %x[n, c] from softmaxCrossEntropy
    %total[n]: f32[2] = sum over (c<3) of exp(%x[n, c] - %largest[n]) from softmaxCrossEntropy
    %loss.sum[]: f32[] = sum over (n<2) of
      log(%total[n]) + %largest[n] - %x[n, data(%labels[n], 0, 2)] from softmaxCrossEntropy
    %loss[]: f32[] = %loss.sum[] / 2.0 from softmaxCrossEntropy
    %d.loss[]: f32[] = 1.0 from constant
    %dx[n, c]: f32[2,3] =
      (exp(%x[n, c] - %largest[n]) / %total[n] - select(%labels[n] == index(c), 1.0, 0.0)) * (%d.loss[] / 2.0)
      from softmaxCrossEntropyGradient
  `;

  test("softmax cross-entropy with its gradient; the mean over the rows is another", () => {
    expectGroups(
      enter,
      loss,
      `
      group softmaxCrossEntropy_dx over (n<2) from softmaxCrossEntropy, softmaxCrossEntropy, softmaxCrossEntropyGradient {
        max: f32 = max over (c<3) of %x[n, c]
        store %largest[n]: f32[2] = max
        sum: f32 = sum over (c<3) of exp(%x[n, c] - max)
        store %total[n]: f32[2] = sum
        over (c<3) store %dx[n, c]: f32[2,3] =
          (exp(%x[n, c] - max) / sum - select(%labels[n] == index(c), 1.0, 0.0)) * (1.0 / 2.0)
      }
      group softmaxCrossEntropy_loss over () from softmaxCrossEntropy, softmaxCrossEntropy {
        sum: f32 = sum over (n<2) of log(%total[n]) + %largest[n] - %x[n, data(%labels[n], 0, 2)]
        store %loss[]: f32[] = sum / 2.0
      }
      `,
      "output loss = %loss output grad.input = %dx",
    );
  });

  test("a row too long for one invocation is not", () => {
    const fused = fuse(`
      input %x: f32[2,5000]
      %largest[n]: f32[2] = max over (c<5000) of %x[n, c] from softmax
      %total[n]: f32[2] = sum over (c<5000) of exp(%x[n, c] - %largest[n]) from softmax
      %y[n, c]: f32[2,5000] = exp(%x[n, c] - %largest[n]) / %total[n] from softmax
      output output = %y
    `);
    expect(namesOf(fused)).toEqual(["softmax_largest", "softmax_total", "softmax_y"]);
  });
});

describe("copies under another index are read where they come from", () => {
  test("flatten in front of dense", () => {
    expectGroups(
      `
      input %x: f32[2,3,2,2]
      parameter %w: f32[5,12] = xavier
      `,
      `
      %flat[n, c]: f32[2,12] = %x[n, c / 4, c / 2 % 2, c % 2] from flatten
      %y[n, o]: f32[2,5] = sum over (c<12) of %flat[n, c] * %w[o, c] from dense
      `,
      `
      group dense_y over (n<2, o<5) from dense {
        sum: f32 = sum over (c<12) of %x[n, c / 4, c / 2 % 2, c % 2] * %w[o, c]
        store %y[n, o]: f32[2,5] = sum
      }
      `,
      "output output = %y",
    );
  });

  test("unless the copy is what is asked for", () => {
    expectGroups(
      "input %x: f32[2,3,2,2]",
      "%flat[n, c]: f32[2,12] = %x[n, c / 4, c / 2 % 2, c % 2] from flatten @ m.ts:3:7",
      `
      group flatten_flat over (n<2, c<12) from flatten @ m.ts:3:7 {
        store %flat[n, c]: f32[2,12] = %x[n, c / 4, c / 2 % 2, c % 2]
      }
      `,
      "output output = %flat",
    );
  });
});

describe("a map becomes part of its one reader", () => {
  test("where that reads each element once", () => {
    expectGroups(
      "input %x: f32[2,8]",
      `
      %e[n, c]: f32[2,8] = exp(%x[n, c]) from a
      %y[n]: f32[2] = max over (c<8) of %e[n, c] from b
      `,
      `
      group a_y over (n<2) from a, b {
        max: f32 = max over (c<8) of exp(%x[n, c])
        store %y[n]: f32[2] = max
      }
      `,
      "output output = %y",
    );
  });

  test("not where windows overlap, two read it, or a contraction does", () => {
    const enter = `
      input %x: f32[2,8]
      parameter %w: f32[4,8] = xavier
      %e[n, c]: f32[2,8] = exp(%x[n, c]) from a
    `;
    const window = "%y[n, i]: f32[2,6] = max over (p<3) of %e[n, i + p] from b output y = %y";
    const rows = "%z[n]: f32[2] = max over (c<8) of %e[n, c] from b output z = %z";
    const columns = "%s[c]: f32[8] = max over (n<2) of %e[n, c] from c output s = %s";
    const dense = "%d[n, o]: f32[2,4] = sum over (c<8) of %e[n, c] * %w[o, c] from d output d = %d";
    expect(namesOf(fuse(`${enter}${window}`))).toEqual(["a_e", "b_y"]);
    expect(namesOf(fuse(`${enter}${rows}\n${columns}`))).toEqual(["a_e", "b_z", "c_s"]);
    expect(namesOf(fuse(`${enter}${dense}`))).toEqual(["a_e", "d_d"]);
  });

  test("not where the state that it reads is replaced before", () => {
    const fused = fuse(`
      input %dy: f32[2,8]
      parameter %w: f32[8] = constant 1
      %e[i]: f32[8] = exp(%w[i]) from a
      %dw[c]: f32[8] = sum over (n<2) of %dy[n, c] from channelSum
      %w.next[i]: f32[8] = %w[i] - %dw[i] from sgd
      %y[]: f32[] = sum over (i<8) of %e[i] * %w.next[7 - i] + 1.0 from b
      output output = %y
      update %w <- %w.next
    `);
    expect(namesOf(fused)).toEqual(["a_e", "channelSum_w_next", "b_y"]);
  });
});

describe("a group binds no more than the target allows", () => {
  const sums = `
    input %x: f32[2,4]
    parameter %w: f32[3,4] = xavier
    parameter %b: f32[3] = constant 0
    input %r: f32[2,3]
    input %s: f32[2,3]
    %dense.sum[n, o]: f32[2,3] = sum over (c<4) of %x[n, c] * %w[o, c] from dense
    %dense[n, o]: f32[2,3] = %dense.sum[n, o] + %b[o] from dense
    %y[n, o]: f32[2,3] = %dense[n, o] + %r[n, o] from add
    %z[n, o]: f32[2,3] = %y[n, o] + %s[n, o] from add
    output output = %z
  `;
  test("eight are enough for all of it", () => {
    expect(fuse(sums).groups.map((g) => g.ops)).toEqual([["dense", "dense", "add", "add"]]);
  });
  test("with four the sums make a group of their own", () => {
    expect(fuse(sums, "few-bindings").groups.map((g) => g.ops)).toEqual([
      ["dense", "dense"],
      ["add", "add"],
    ]);
  });
  test("a state counts once, though it is read and replaced", () => {
    const momentum = `
      input %x: f32[2,4]
      input %dy: f32[2,3]
      parameter %w: f32[3,4] = xavier
      velocity %v: f32[3,4] = constant 0
      %dw[o, c]: f32[3,4] = sum over (n<2) of %dy[n, o] * %x[n, c] from denseWeightGradient
      %v.next[i, j]: f32[3,4] = uniform(momentum) * %v[i, j] + %dw[i, j] from sgd
      %w.next[i, j]: f32[3,4] = %w[i, j] - uniform(lr) * %v.next[i, j] from sgd
      update %v <- %v.next
      update %w <- %w.next
    `;
    expect(fuse(momentum, "few-bindings").groups).toHaveLength(1);
  });
});
