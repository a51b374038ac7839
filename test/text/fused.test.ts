import { describe, expect, test } from "vitest";
import type { FusedProgram } from "../../compiler/ir/fused.ts";
import { Axis, Index } from "../../compiler/ir/index.ts";
import { type Local, Scalar } from "../../compiler/ir/scalar.ts";
import { f32, type Value } from "../../compiler/ir/types.ts";
import { Tensor } from "../../compiler/ops/define.ts";
import { parse } from "../../compiler/text/parse.ts";
import { print } from "../../compiler/text/print.ts";
import { dedent, expectRoundTrip, program } from "./helpers.ts";

const value = (name: string, ...shape: number[]): Value => ({ name, type: f32(...shape) });

/** A convolution with relu and its maximum, two stores over axes of their own. */
function handBuilt(): FusedProgram {
  const [x, w, b] = [value("input", 2, 3, 8, 8), value("w", 4, 3, 3, 3), value("b", 4)];
  const [y, pooled] = [value("relu_1", 2, 4, 6, 6), value("transposed", 6, 4)];
  const axes = [new Axis("n", 2), new Axis("c", 4), new Axis("h", 6), new Axis("w", 6)];
  const [n, c, h, col] = axes.map(Index.of);
  const over = [new Axis("ci", 3), new Axis("p", 3), new Axis("q", 3)];
  const acc: Local = { name: "acc", dtype: "f32" };
  const [best, position]: Local[] = [
    { name: "max", dtype: "f32" },
    { name: "position", dtype: "u32" },
  ];
  const [k, k2] = [new Axis("c", 2), new Axis("k", 3)];
  return {
    stage: "fused",
    name: "small",
    mode: "train",
    image: { channels: 3, height: 8, width: 8, mean: [0, 0, 0], std: [1, 1, 1] },
    inputs: [{ kind: "input", value: x }],
    states: [
      { value: w, role: "parameter", initializer: { kind: "xavier" } },
      { value: b, role: "parameter", initializer: { kind: "constant", value: 0 } },
    ],
    groups: [
      {
        name: "conv2d_1",
        axes,
        steps: [
          {
            kind: "reduce",
            combiner: "sum",
            results: [acc],
            axes: over,
            body: new Tensor(x).at(n, over[0], h.plus(over[1]), col.plus(over[2])).times(new Tensor(w).at(c, ...over)),
          },
          {
            kind: "reduce",
            combiner: "firstMax",
            results: [best, position],
            axes: [k2],
            body: Scalar.local(acc).times(Scalar.index(k2).toF32()),
          },
          {
            kind: "store",
            value: y,
            axes: [],
            index: [n, c, h, col],
            expr: Scalar.local(acc).plus(new Tensor(b).at(c)).max(0),
          },
          {
            kind: "store",
            value: pooled,
            axes: [k],
            index: [h, c.times(2).plus(k).mod(3)],
            expr: Scalar.local(best).plus(Scalar.local(position).toF32()),
          },
        ],
        locations: [
          { file: "models/small.ts", line: 4, column: 7 },
          { file: "models/small.ts", line: 5, column: 7 },
        ],
        ops: ["conv2d", "relu"],
      },
      { name: "nothing else", axes: [], steps: [], locations: [], ops: [] },
    ],
    layouts: new Map([
      [x, [0, 2, 3, 1]],
      [w, [0, 1, 2, 3]],
      [b, [0]],
      [y, [0, 2, 3, 1]],
      [pooled, [1, 0]],
    ]),
    outputs: [{ name: "output", value: y }],
    updates: [],
  };
}

const handBuiltText = dedent(`
  fused small train
  image [3, 8, 8] mean [0, 0, 0] std [1, 1, 1]

  input %input: f32[2,3,8,8] layout nhwc
  parameter %w: f32[4,3,3,3] layout nchw = xavier
  parameter %b: f32[4] = constant 0

  group conv2d_1 over (n<2, c<4, h<6, w<6) from conv2d, relu @ models/small.ts:4:7 @ models/small.ts:5:7 {
    acc: f32 = sum over (ci<3, p<3, q<3) of %input[n, ci, h + p, w + q] * %w[c, ci, p, q]
    max: f32, position: u32 = firstMax over (k<3) of acc * f32(index(k))
    store %relu_1[n, c, h, w]: f32[2,4,6,6] layout nhwc = max(acc + %b[c], 0.0)
    over (c_1<2) store %transposed[h, (2*c + c_1) % 3]: f32[6,4] layout [1, 0] = max + f32(position)
  }

  group "nothing else" over () {
  }

  output output = %relu_1
`);

describe("fused programs as text", () => {
  test("prints everything that a fused program holds", () => {
    expect(print(handBuilt())).toBe(handBuiltText);
  });

  test("parses back", () => {
    const parsed = parse(handBuiltText) as FusedProgram;
    expectRoundTrip(parsed);
    const [x, w] = [parsed.inputs[0].value, parsed.states[0].value];
    expect(parsed.layouts.get(x)).toEqual([0, 2, 3, 1]);
    expect(parsed.layouts.get(w)).toEqual([0, 1, 2, 3]);
    expect(parsed.layouts.get(parsed.states[1].value)).toEqual([0]);
    expect(parsed.layouts.size).toBe(5);
    expect(parsed.groups.map(({ name, ops, locations }) => ({ name, ops, locations }))).toEqual(
      handBuilt().groups.map(({ name, ops, locations }) => ({ name, ops, locations })),
    );
  });

  test("axes of two steps may have one name, an axis and a local too", () => {
    const text = dedent(`
      fused small infer
      image [1, 1, 1] mean [0] std [1]

      input %x: f32[4]

      group g over (i<4) {
        c: f32 = sum over (c<4) of %x[c]
        c_1: f32 = max over (c<4) of %x[c] - c
        store %y[i]: f32[4] = let t = c + c_1 in t * t
        over (c<2) store %z[i, c]: f32[4,2] layout [0, 1] = let t = c - c_1 in t * t
      }
    `);
    expect(print(parse(text))).toBe(text);
    expect(
      print(
        parse(
          text
            .replaceAll("c_1", "other")
            .replaceAll("(c<", "(k<")
            .replaceAll(/\[c\]/g, "[k]")
            .replace("[i, c]", "[i, k]"),
        ),
      ),
    ).toContain("other: f32 = max over (k<4) of %x[k] - c");
  });

  test("an image's layout may be written as numbers; a value may be without one", () => {
    const parsed = program<FusedProgram>(`
      fused small infer
      image [3, 8, 8] mean [0, 0, 0] std [1, 1, 1]
      input %a: f32[2,3,8,8] layout [0, 2, 3, 1]
      input %b: f32[2,3,8,8]
      group g over (i<2) { }
    `);
    expect(parsed.layouts.has(parsed.inputs[1].value)).toBe(false);
    const text = expectRoundTrip(parsed);
    expect(text).toContain("%a: f32[2,3,8,8] layout nhwc\n");
    expect(text).toContain("%b: f32[2,3,8,8]\n");
  });
});
