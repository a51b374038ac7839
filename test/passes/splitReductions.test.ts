import { describe, expect, test } from "vitest";
import type { ExprProgram } from "../../compiler/ir/expr.ts";
import { exprProblems } from "../../compiler/ir/verifyExpr.ts";
import { splitReductions } from "../../compiler/passes/splitReductions.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { expectText, program } from "../text/helpers.ts";

const head = `
  expr small train
  image [1, 4, 4] mean [0] std [1]
`;

const split = (given: string, target = "portable"): ExprProgram =>
  splitReductions(program<ExprProgram>(`${head}${given}`), loadTarget(target));

function expectSplit(given: string, expected: string, target?: string): void {
  const result = split(given, target);
  expectText(result, `${head}${expected}`);
  expect(exprProblems(result)).toEqual([]);
}

const expectUnchanged = (given: string, target?: string): void => expectSplit(given, given, target);

describe("a long sum with few results", () => {
  const bias = (more = "") => `
    input %dy: f32[8,4,16,16]
    ${more}
    %db[c]: f32[4] = sum over (n<8, h<16, w<16) of %dy[n, c, h, w] from channelSum @ m.ts:3:7
    output grad = %db
  `;

  test("becomes partial sums over its leading axes, added in order by a second definition", () => {
    expectSplit(
      bias(),
      `
      input %dy: f32[8,4,16,16]
      %db.partial[ns, hs, c]: f32[8,16,4] = sum over (w<16) of %dy[ns, c, hs, w] from channelSum by split @ m.ts:3:7
      %db[c]: f32[4] = sum over (ns<8, hs<16) of %db.partial[ns, hs, c] from channelSum by split @ m.ts:3:7
      output grad = %db
      `,
    );
  });

  test("says so beside the algorithm that a definition has already", () => {
    const { definitions } = split(bias().replace("from channelSum", 'from channelSum by "winograd F(4x4,5x5)"'));
    expect(definitions.map((d) => d.algorithm)).toEqual(Array(2).fill("winograd F(4x4,5x5), split"));
  });

  test("finds a name for them", () => {
    const { definitions } = split(bias("%db.partial[c]: f32[4] = %dy[0, c, 0, 0] from op"));
    expect(definitions.flatMap((d) => d.outputs.map((v) => v.name))).toEqual(["db.partial", "db.partial_", "db"]);
  });

  test("stays whole where it is a maximum, short, or one of many", () => {
    expectUnchanged(bias().replaceAll("sum over", "max over"));
    expectUnchanged(`
      input %x: f32[31]
      %y[]: f32[] = sum over (i<31) of %x[i] from op
    `);
    expectUnchanged(`
      input %x: f32[4096,64]
      %y[n]: f32[4096] = sum over (i<64) of %x[n, i] from op
    `);
  });
});

describe("a contraction", () => {
  test("of few tiles and many terms is cut along its first axis", () => {
    const given = `
      input %x: f32[64,3,10,10]
      input %dy: f32[64,8,8,8]
      %dw[o, c, p, q]: f32[8,3,3,3] = sum over (n<64, h<8, w<8) of
        %dy[n, o, h, w] * %x[n, c, h + p, w + q] from conv2dWeightGradient
      output grad = %dw
    `;
    const expected = `
      input %x: f32[64,3,10,10]
      input %dy: f32[64,8,8,8]
      %dw.partial[ns, o, c, p, q]: f32[4,8,3,3,3] = sum over (n<16, h<8, w<8) of
        %dy[16*ns + n, o, h, w] * %x[16*ns + n, c, h + p, w + q] from conv2dWeightGradient by split
      %dw[o, c, p, q]: f32[8,3,3,3] = sum over (ns<4) of %dw.partial[ns, o, c, p, q] from conv2dWeightGradient by split
      output grad = %dw
    `;
    expectSplit(given, expected, "portable");
    expectSplit(given, expected, "lavapipe");
  });

  /** Operands of 17 MiB, results of 36 KiB. */
  const large = `
    input %x: f32[64,32,34,34]
    input %dy: f32[64,32,32,32]
    %dw[o, c, p, q]: f32[32,32,3,3] = sum over (n<64, h<32, w<32) of
      %dy[n, o, h, w] * %x[n, c, h + p, w + q] from conv2dWeightGradient
    output grad = %dw
  `;
  test.each([
    ["discrete", 64, "as many slices as keep the GPU busy, of one picture each"],
    ["lavapipe", 4, "as many as leave a slice of the operands in the processor's cache"],
  ])("on %s is cut into %d slices: %s", (target, slices) => {
    const [partial] = split(large, target).definitions;
    expect(partial.outputs[0].type.shape).toEqual([slices, 32, 32, 3, 3]);
  });

  test("is left whole where its results keep the adapter busy, or its terms are few", () => {
    const dense = (batch: number, units: number, features: number) => `
      input %x: f32[${batch},${features}]
      input %w: f32[${units},${features}]
      %y[n, o]: f32[${batch},${units}] = sum over (c<${features}) of %x[n, c] * %w[o, c] from dense
      output output = %y
    `;
    for (const target of ["portable", "lavapipe"]) {
      expectUnchanged(dense(512, 4096, 65536), target);
      expectUnchanged(dense(64, 10, 2047), target);
      expect(split(dense(64, 10, 2048), target).definitions).toHaveLength(2);
    }
  });
});
