import { describe, expect, test } from "vitest";
import type { ExprProgram } from "../../compiler/ir/expr.ts";
import type { Value } from "../../compiler/ir/types.ts";
import { exprProblems } from "../../compiler/ir/verifyExpr.ts";
import { residues } from "../../compiler/passes/residues.ts";
import { evaluate } from "../../compiler/reference/evaluate.ts";
import { expectText, program } from "../text/helpers.ts";

const head = `
  expr small train
  image [1, 4, 4] mean [0] std [1]
`;

const rewritten = (given: string): ExprProgram => residues(program<ExprProgram>(`${head}${given}`));

function expectResidues(given: string, expected: string): void {
  const result = rewritten(given);
  expectText(result, `${head}${expected}`);
  expect(exprProblems(result)).toEqual([]);
  expect(outputOf(result)).toEqual(outputOf(program<ExprProgram>(`${head}${given}`)));
}

const expectUnchanged = (given: string): void => expectText(rewritten(given), `${head}${given}`);

/** The program's output where the elements of its inputs are 1, 2, 3, ... */
function outputOf(p: ExprProgram): readonly number[] {
  const numbers = ({ type }: Value) =>
    Float64Array.from({ length: type.shape.reduce((a, b) => a * b, 1) }, (_, i) => i + 1);
  const values = evaluate(p, new Map(p.inputs.map((i) => [i.value, numbers(i.value)])), {});
  return [...values.get(p.outputs[0].value)!];
}

describe("sums over positions that must divide evenly", () => {
  test("run over every s-th position, which ends where the window does", () => {
    expectResidues(
      `
      input %dy: f32[4]
      %dx[h]: f32[9] = sum over (p<3) of
        (%dy[(h - p) / 2] where divisible(h - p, 2) and (h - p) / 2 >= 0 and (h - p) / 2 <= 3) from gradient
      output output = %dx
      `,
      `
      input %dy: f32[4]
      %dx[h]: f32[9] = sum over (p<2) of
        (%dy[h / 2 - p] where h / 2 - p >= 0 and h / 2 - p <= 3 and h % 2 + 2*p <= 2) from gradient
      output output = %dx
      `,
    );
  });

  test("need no end where the stride divides the window", () => {
    expectResidues(
      `
      input %dy: f32[4]
      %dx[h]: f32[9] = sum over (p<4) of
        (%dy[(h - p) / 2] where divisible(h - p, 2) and (h - p) / 2 >= 0 and (h - p) / 2 <= 3) from gradient
      output output = %dx
      `,
      `
      input %dy: f32[4]
      %dx[h]: f32[9] = sum over (p<2) of
        (%dy[h / 2 - p] where h / 2 - p >= 0 and h / 2 - p <= 3) from gradient
      output output = %dx
      `,
    );
  });

  test("a factor that is read at every position ends with the window", () => {
    expectResidues(
      `
      input %dy: f32[4]
      input %w: f32[3]
      %dx[h]: f32[9] = sum over (p<3) of
        (%dy[(h - p) / 2] where divisible(h - p, 2) and (h - p) / 2 >= 0 and (h - p) / 2 <= 3) * %w[p] from gradient
      output output = %dx
      `,
      `
      input %dy: f32[4]
      input %w: f32[3]
      %dx[h]: f32[9] = sum over (p<2) of
        (%dy[h / 2 - p] where h / 2 - p >= 0 and h / 2 - p <= 3 and h % 2 + 2*p <= 2)
        * (%w[h % 2 + 2*p] where h % 2 + 2*p <= 2) from gradient
      output output = %dx
      `,
    );
  });

  test("padding moves the phase, and a window shorter than the stride misses some", () => {
    expectResidues(
      `
      input %dy: f32[4]
      input %w: f32[2]
      %dx[h]: f32[9] = sum over (p<2) of
        (%dy[(h - p + 1) / 3] where divisible(h - p + 1, 3) and (h - p + 1) / 3 >= 0 and (h - p + 1) / 3 <= 3)
        * %w[p] from gradient
      output output = %dx
      `,
      `
      input %dy: f32[4]
      input %w: f32[2]
      %dx[h]: f32[9] = sum over (p<1) of
        (%dy[(h + 1) / 3] where (h + 1) / 3 >= 0 and (h + 1) / 3 <= 3 and (h + 1) % 3 <= 1)
        * (%w[(h + 1) % 3] where (h + 1) % 3 <= 1) from gradient
      output output = %dx
      `,
    );
  });

  test("one position is left where windows do not overlap, also of choices between reads", () => {
    expectResidues(
      `
      input %winner: f32[2,3]
      input %dy: f32[2,3]
      %dx[h, w]: f32[4,6] = sum over (p<2, q<2) of
        select(
          (%winner[(h - p) / 2, (w - q) / 2] where divisible(h - p, 2) and divisible(w - q, 2)) == f32(index(2*p + q)),
          (%dy[(h - p) / 2, (w - q) / 2] where divisible(h - p, 2) and divisible(w - q, 2)),
          0.0
        ) from maxPool2dGradient
      output output = %dx
      `,
      `
      input %winner: f32[2,3]
      input %dy: f32[2,3]
      %dx[h, w]: f32[4,6] = sum over (p<1, q<1) of
        select(
          %winner[h / 2, w / 2] == f32(index(2*(h % 2) + w % 2)),
          %dy[h / 2, w / 2],
          0.0
        ) from maxPool2dGradient
      output output = %dx
      `,
    );
  });
});

describe("is left alone:", () => {
  const unchanged: Record<string, string> = {
    "a maximum": `max over (p<3) of (%dy[(h - p) / 2] where divisible(h - p, 2) and (h - p) / 2 >= 0 and (h - p) / 2 <= 3)`,
    "a term that is not 0 where nothing is read": `sum over (p<3) of
      exp((%dy[(h - p) / 2] where divisible(h - p, 2) and (h - p) / 2 >= 0 and (h - p) / 2 <= 3))`,
    "a read that gives something else than 0": `sum over (p<3) of
      (%dy[(h - p) / 2] where divisible(h - p, 2) and (h - p) / 2 >= 0 and (h - p) / 2 <= 3 else 1.0)`,
    "a sum without such a condition": `sum over (p<3) of (%dy[h - p] where h - p >= 0 and h - p <= 3)`,
    "reads whose conditions differ": `sum over (p<3) of
      (%dy[(h - p) / 2] where divisible(h - p, 2) and (h - p) / 2 >= 0 and (h - p) / 2 <= 3)
      * (%dy[(h - p + 1) / 2] where divisible(h - p + 1, 2) and (h - p + 1) / 2 >= 0 and (h - p + 1) / 2 <= 3)`,
    "a term that counts also where the condition does not hold": `sum over (p<3) of
      (%dy[(h - p) / 2] where divisible(h - p, 2) and (h - p) / 2 >= 0 and (h - p) / 2 <= 3) + %w[p]`,
    "a factor that is read beside a choice between the guarded read and another": `sum over (p<3) of
      select(f32(index(h)) == 0.0, (%dy[(h - p) / 2] where divisible(h - p, 2) and (h - p) / 2 >= 0 and (h - p) / 2 <= 3), %w[p])`,
    "a sum of which no position counts": `sum over (p<3) of
      (%dy[(3 - p) / 4] where divisible(3 - p, 4) and (3 - p) / 4 >= 0 and (3 - p) / 4 <= 3) * %w[p]`,
    "a distance that counts two a position": `sum over (p<3) of
      (%dy[(h - 2*p) / 3] where divisible(h - 2*p, 3) and (h - 2*p) / 3 >= 0)`,
  };
  test.each(Object.entries(unchanged))("%s", (_, body) =>
    expectUnchanged(`
      input %dy: f32[4]
      input %w: f32[3]
      %dx[h]: f32[9] = ${body} from gradient
      output output = %dx
    `),
  );
});
