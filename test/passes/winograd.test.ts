/** Winograd's algorithm as a rewriting of definitions: the same numbers, in float64 to float64's rounding. */
import { describe, expect, test } from "vitest";
import type { ExprProgram } from "../../compiler/ir/expr.ts";
import { exprProblems } from "../../compiler/ir/verifyExpr.ts";
import { algorithm } from "../../compiler/passes/algorithm.ts";
import { cookToom } from "../../compiler/passes/winograd/cookToom.ts";
import { evaluate } from "../../compiler/reference/evaluate.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { relativeError } from "../ops/support.ts";
import { program } from "../text/helpers.ts";

const target = loadTarget("portable");

/** Every convolution in tiles of 4 x 4, or of what there is. */
const rewritten = (p: ExprProgram): ExprProgram =>
  algorithm(p, target, {
    algorithm: "auto",
    chooseTile: (c) => c.outputSize.map((size) => Math.min(size, 4)) as [number, number],
  });

/** A convolution and both its gradients. */
function convolution(o: {
  batch?: number;
  channels?: number;
  outputs?: number;
  image: readonly [number, number];
  filter: readonly [number, number];
  stride?: number;
  padding?: number;
}): ExprProgram {
  const {
    batch: n = 2,
    channels: c = 3,
    outputs: k = 4,
    image: [h, w],
    filter: [p, q],
    stride: s = 1,
  } = o;
  const { padding = 0 } = o;
  const size = (image: number, taps: number) => Math.floor((image + 2 * padding - taps) / s) + 1;
  const [y, x] = [size(h, p), size(w, q)];
  const at = (i: string, tap: string) => `${s === 1 ? "" : `${s}*`}${i} + ${tap} - ${padding}`;
  const inside = (index: string, extent: number) => `${index} >= 0 and ${index} <= ${extent - 1}`;
  const guarded = (tensor: string, index: readonly string[], ...conditions: string[]) =>
    `(%${tensor}[${index.join(", ")}] where ${conditions.join(" and ")})`;
  const image = guarded("x", ["n", "c", at("h", "p"), at("w", "q")], inside(at("h", "p"), h), inside(at("w", "q"), w));
  const back = guarded(
    "dy",
    ["n", "o", `h + ${padding} - p`, `w + ${padding} - q`],
    inside(`h + ${padding} - p`, y),
    inside(`w + ${padding} - q`, x),
  );
  const input =
    s === 1
      ? `%dx[n, c, h, w]: f32[${n},${c},${h},${w}] = sum over (o<${k}, p<${p}, q<${q}) of ${back} * %f[o, c, p, q] from conv`
      : "";
  return program<ExprProgram>(`
    expr small train
    image [1, 4, 4] mean [0] std [1]
    input %x: f32[${n},${c},${h},${w}]
    input %f: f32[${k},${c},${p},${q}]
    input %dy: f32[${n},${k},${y},${x}]
    %y[n, o, h, w]: f32[${n},${k},${y},${x}] = sum over (c<${c}, p<${p}, q<${q}) of ${image} * %f[o, c, p, q] from conv
    ${input}
    %df[o, c, p, q]: f32[${k},${c},${p},${q}] = sum over (n<${n}, h<${y}, w<${x}) of %dy[n, o, h, w] * ${image} from conv
    output y = %y
  `);
}

const random = (length: number, seed: number): Float64Array => {
  let state = seed;
  return Float64Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
};

describe("a convolution and its gradients come out the same", () => {
  test.each([
    ["3x3", { image: [9, 8], filter: [3, 3] }],
    ["3x3, padded", { image: [7, 7], filter: [3, 3], padding: 1 }],
    ["5x5", { image: [13, 10], filter: [5, 5] }],
    ["5x5, padded", { image: [8, 9], filter: [5, 5], padding: 2 }],
    ["one picture", { batch: 1, image: [6, 6], filter: [3, 3] }],
    ["one channel, one output", { channels: 1, outputs: 1, image: [6, 6], filter: [3, 3] }],
    ["unequal sides", { image: [9, 11], filter: [2, 3] }],
    ["stride 2", { image: [12, 13], filter: [5, 5], stride: 2, padding: 1 }],
    ["stride 4 of 11 taps", { image: [39, 43], filter: [11, 11], stride: 4 }],
  ] as const)("%s", (_, options) => {
    const before = convolution(options);
    const after = rewritten(before);
    expect(exprProblems(after)).toEqual([]);
    expect(after.definitions.length).toBeGreaterThan(before.definitions.length);
    const given = new Map(
      before.inputs.map(({ value }, i) => [
        value,
        random(
          value.type.shape.reduce((a, b) => a * b),
          i + 1,
        ),
      ]),
    );
    const [expected, actual] = [before, after].map((p) => evaluate(p, given));
    for (const d of before.definitions)
      expect(relativeError(actual.get(d.outputs[0])!, expected.get(d.outputs[0])!), d.outputs[0].name).toBeLessThan(
        1e-12,
      );
  });

  const namesOf = (p: ExprProgram) => p.definitions.map((d) => d.outputs[0].name);

  test("the passes share their transforms", () => {
    const after = rewritten(convolution({ image: [6, 6], filter: [3, 3] }));
    expect(namesOf(after)).toEqual(["x.V", "f.U", "y.M", "y", "dy.D", "dx.dV", "dx", "df.dU", "df"]);
  });

  test("tiles much larger than their image are made again for the weight's gradient", () => {
    const after = rewritten(convolution({ image: [13, 13], filter: [5, 5] }));
    expect(namesOf(after)).toEqual(["x.V", "f.U", "y.M", "y", "dy.D", "dx.dV", "dx", "x.V_2", "df.dU", "df"]);
  });
});

describe("minimal filtering", () => {
  test.each([
    [2, 3],
    [3, 3],
    [4, 3],
    [6, 3],
    [2, 5],
    [4, 5],
    [6, 5],
    [4, 2],
    [1, 1],
  ])("F(%i, %i) filters", (m, r) => {
    const { inputs, taps, outputs } = cookToom(m, r);
    const [d, g] = [random(m + r - 1, 3), random(r, 4)];
    const times = (table: readonly (readonly number[])[], x: ArrayLike<number>) =>
      table.map((row) => row.reduce((sum, v, i) => sum + v * x[i], 0));
    const [v, u] = [times(inputs, d), times(taps, g)];
    const y = times(
      outputs,
      v.map((x, i) => x * u[i]),
    );
    expect(y).toHaveLength(m);
    y.forEach((value, i) => {
      expect(value).toBeCloseTo(
        g.reduce((sum, x, k) => sum + x * d[i + k], 0),
        10,
      );
    });
  });
});
