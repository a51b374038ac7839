import { describe, expect, test } from "vitest";
import type { ExprProgram } from "../../compiler/ir/expr.ts";
import { readsOf } from "../../compiler/ir/scalar.ts";
import { exprProblems } from "../../compiler/ir/verifyExpr.ts";
import { fitBindings } from "../../compiler/passes/fitBindings.ts";
import { evaluate } from "../../compiler/reference/evaluate.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { expectText, program } from "../text/helpers.ts";

const head = `
  expr small train
  image [1, 4, 4] mean [0] std [1]
`;
const given = (text: string): ExprProgram => program<ExprProgram>(`${head}${text}`);

/** Four storage buffers a kernel. */
const fewBindings = loadTarget("few-bindings");

function expectFitted(text: string, expected: string): void {
  const result = fitBindings(given(text), fewBindings);
  expectText(result, `${head}${expected}`);
  expect(exprProblems(result)).toEqual([]);
}

describe("a definition that reads more than a kernel may bind", () => {
  test("is cut at the part that takes most of them away", () => {
    expectFitted(
      `
      input %x: f32[4,8]
      parameter %weight: f32[8] = constant 1
      parameter %bias: f32[8] = constant 0
      statistic %mean: f32[8] = constant 0
      statistic %variance: f32[8] = constant 1
      %y[n, c]: f32[4,8] =
        (%x[n, c] - %mean[c]) / sqrt(%variance[c] + 1e-5) * %weight[c] + %bias[c] from batchNorm @ m.ts:3:7
      output output = %y
      `,
      `
      input %x: f32[4,8]
      parameter %weight: f32[8] = constant 1
      parameter %bias: f32[8] = constant 0
      statistic %mean: f32[8] = constant 0
      statistic %variance: f32[8] = constant 1
      %y.part[n, c]: f32[4,8] = (%x[n, c] - %mean[c]) / sqrt(%variance[c] + 1e-5) from batchNorm @ m.ts:3:7
      %y[n, c]: f32[4,8] = %y.part[n, c] * %weight[c] + %bias[c] from batchNorm @ m.ts:3:7
      output output = %y
      `,
    );
  });

  test("is cut, of parts that take away as many, at the one with the fewest elements", () => {
    expectFitted(
      `
      input %x: f32[4,8]
      input %z: f32[4,8]
      input %a: f32[8]
      input %b: f32[8]
      %y[n, c]: f32[4,8] = (%x[n, c] + %z[n, c]) * (%a[c] * %b[c]) from op
      output output = %y
      `,
      `
      input %x: f32[4,8]
      input %z: f32[4,8]
      input %a: f32[8]
      input %b: f32[8]
      %y.part[c]: f32[8] = %a[c] * %b[c] from op
      %y[n, c]: f32[4,8] = (%x[n, c] + %z[n, c]) * %y.part[c] from op
      output output = %y
      `,
    );
  });

  test("is cut again until it fits", () => {
    expectFitted(
      `
      input %a: f32[8]
      input %b: f32[8]
      input %c: f32[8]
      input %d: f32[8]
      input %e: f32[8]
      input %f: f32[8]
      %y[i]: f32[8] = %a[i] + %b[i] + %c[i] + %d[i] + %e[i] + %f[i] from op
      output output = %y
      `,
      `
      input %a: f32[8]
      input %b: f32[8]
      input %c: f32[8]
      input %d: f32[8]
      input %e: f32[8]
      input %f: f32[8]
      %y.part[i]: f32[8] = %a[i] + %b[i] + %c[i] from op
      %y.part_2[i]: f32[8] = %y.part[i] + %d[i] + %e[i] from op
      %y[i]: f32[8] = %y.part_2[i] + %f[i] from op
      output output = %y
      `,
    );
  });

  test("inside a reduction keeps its terms whole", () => {
    expectFitted(
      `
      input %x: f32[4,8]
      input %mean: f32[8]
      input %k: f32[8]
      input %s: f32[4]
      %y[n]: f32[4] = sum over (c<8) of (%x[n, c] - %mean[c]) * %k[c] / %s[n] from op
      output output = %y
      `,
      `
      input %x: f32[4,8]
      input %mean: f32[8]
      input %k: f32[8]
      input %s: f32[4]
      %y.part[n, c]: f32[4,8] = (%x[n, c] - %mean[c]) * %k[c] from op
      %y[n]: f32[4] = sum over (c<8) of %y.part[n, c] / %s[n] from op
      output output = %y
      `,
    );
  });

  test("is cut at a comparison, which is kept as 1 or 0", () => {
    expectFitted(
      `
      input %a: f32[8]
      input %b: f32[8]
      input %c: f32[8]
      input %d: f32[8]
      %y[i]: f32[8] = select(%a[i] < %b[i], %c[i], %d[i]) from op
      output output = %y
      `,
      `
      input %a: f32[8]
      input %b: f32[8]
      input %c: f32[8]
      input %d: f32[8]
      %y.part[i]: f32[8] = select(%a[i] < %b[i], 1.0, 0.0) from op
      %y[i]: f32[8] = select(0.0 < %y.part[i], %c[i], %d[i]) from op
      output output = %y
      `,
    );
  });

  test("is cut at the operand of a comparison where that takes away as many", () => {
    expectFitted(
      `
      input %a: f32[8]
      input %b: f32[8]
      input %c: f32[4,8]
      input %d: f32[4,8]
      %y[n, i]: f32[4,8] = select(%a[i] * %b[i] < %c[n, i], %c[n, i], %d[n, i]) from op
      output output = %y
      `,
      `
      input %a: f32[8]
      input %b: f32[8]
      input %c: f32[4,8]
      input %d: f32[4,8]
      %y.part[i]: f32[8] = %a[i] * %b[i] from op
      %y[n, i]: f32[4,8] = select(%y.part[i] < %c[n, i], %c[n, i], %d[n, i]) from op
      output output = %y
      `,
    );
  });

  test("of many comparisons has the same value", () => {
    const names = ["a", "b", "c", "d", "e", "f", "g"];
    const before = given(`
      ${names.map((name) => `input %${name}: f32[3,5]`).join("\n")}
      %y[n, i]: f32[3,5] = select(
        (%a[n, i] < %b[n, i] and %c[n, i] <= %d[n, i]) or %e[n, i] == %f[n, i],
        %g[n, i] * %a[n, i],
        %b[n, i] - %c[n, i]
      ) from op
      output output = %y
    `);
    const after = fitBindings(before, fewBindings);
    expect(exprProblems(after)).toEqual([]);
    for (const d of after.definitions) expect(new Set(readsOf(d.body).map((r) => r.tensor)).size).toBeLessThan(4);
    const numbers = new Map(
      before.inputs.map(({ value }, k) => [
        value,
        Float64Array.from({ length: 15 }, (_, i) => ((i + 3) * (k + 2)) % 7),
      ]),
    );
    const of = (p: ExprProgram) => [...evaluate(p, numbers, {}).get(p.outputs[0].value)!];
    expect(of(after)).toEqual(of(before));
    expect(new Set(of(before)).size).toBeGreaterThan(5);
  });

  test("is an error where what reads too much is one comparison of parts that it shares", () => {
    const text = `
      ${["a", "b", "c", "d"].map((name) => `input %${name}: f32[8]`).join("\n")}
      %y[i]: f32[8] = select(
        %a[i] * %b[i] < %c[i] * %d[i] and %a[i] * %c[i] < %b[i] * %d[i] and %a[i] * %d[i] < %b[i] * %c[i],
        1.0,
        0.0
      ) from op
      output output = %y
    `;
    expect(() => fitBindings(given(text), fewBindings)).toThrow("%y needs 5 buffers, few-bindings binds 4");
  });

  test("is an error where no part of it can be a value of its own", () => {
    const text = `
      input %a: f32[8]
      labels %l: i32[8]
      labels %m: i32[8]
      labels %n: i32[8]
      %y[i]: f32[8] = %a[data(%l[i] + %m[i] + %n[i], 0, 7)] from op
      output output = %y
    `;
    expect(() => fitBindings(given(text), fewBindings)).toThrow("%y needs 5 buffers, few-bindings binds 4");
  });
});

test("what fits is left alone; a state and its next version are one buffer", () => {
  const text = `
    parameter %w: f32[8] = constant 0
    input %a: f32[8]
    input %b: f32[8]
    input %c: f32[8]
    %w.next[i]: f32[8] = %w[i] - %a[i] * %b[i] * %c[i] from op
    update %w <- %w.next
  `;
  const before = given(text);
  expect(fitBindings(before, fewBindings).definitions).toEqual(before.definitions);
  const asValue = text.replace("update %w <- %w.next", "output output = %w.next");
  expect(fitBindings(given(asValue), fewBindings).definitions).toHaveLength(2);
  expect(fitBindings(given(asValue), loadTarget("portable")).definitions).toHaveLength(1);
});
