import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ExprProgram } from "../../compiler/ir/expr.ts";
import { Axis, Index } from "../../compiler/ir/index.ts";
import { Scalar } from "../../compiler/ir/scalar.ts";
import { tensorType, type Value } from "../../compiler/ir/types.ts";
import { lowestFloat, Tensor } from "../../compiler/ops/define.ts";
import { maxPool2d } from "../../compiler/ops/maxPool2d.ts";
import { parse } from "../../compiler/text/parse.ts";
import { print } from "../../compiler/text/print.ts";
import { dags, type World } from "./generators.ts";
import { dedent, expectRoundTrip, expectText, program } from "./helpers.ts";

const header = { name: "small", mode: "train" as const, states: [], outputs: [], updates: [] };
const image = { channels: 1, height: 4, width: 4, mean: [0], std: [1] };

describe("expression programs as text", () => {
  test("a definition built by an op's language prints as it reads", () => {
    const x: Value = { name: "input", type: tensorType("f32", [2, 4, 9, 9]) };
    const y: Value = { name: "y", type: tensorType("f32", [2, 4, 5, 5]) };
    const winner: Value = { name: "winner", type: tensorType("u32", [2, 4, 5, 5]) };
    const axes = [new Axis("n", 2), new Axis("c", 4), new Axis("h", 5), new Axis("w", 5)];
    const [n, c, h, w] = axes.map(Index.of);
    const over = [new Axis("p", 3), new Axis("q", 3)];
    const row = h.times(2).plus(over[0]).minus(1);
    const column = w.times(2).plus(over[1]).minus(1);
    const body = new Tensor(x).atOr(lowestFloat, n, c, row, column);
    const expr: ExprProgram = {
      ...header,
      stage: "expr",
      image,
      inputs: [{ kind: "input", value: x }],
      definitions: [
        {
          outputs: [y, winner],
          axes,
          reduction: { combiner: "firstMax", axes: over },
          body,
          location: { file: "models/small.ts", line: 5, column: 7 },
          op: maxPool2d.name,
        },
      ],
    };
    expectText(
      expr,
      `
      expr small train
      image [1, 4, 4] mean [0] std [1]
      input %input: f32[2,4,9,9]
      %y[n, c, h, w]: f32[2,4,5,5], %winner[n, c, h, w]: u32[2,4,5,5] = firstMax over (p<3, q<3) of
        (%input[n, c, 2*h + p - 1, 2*w + q - 1]
          where 2*h + p - 1 >= 0 and 2*h + p <= 9 and 2*w + q - 1 >= 0 and 2*w + q <= 9
          else -3.4028234663852886e38)
        from maxPool2d @ models/small.ts:5:7`,
    );
    expectRoundTrip(expr);
  });

  test("every form of definition comes back to the letter", () => {
    const text = dedent(`
      expr small infer
      image [1, 4, 4] mean [0] std [1]

      input %input: f32[2,4]
      labels %labels: i32[2]
      parameter %w: f32[3,4] = xavier

      %copy[n, c]: f32[2,4] = max(%input[n, c], 0.0) from copy
      %dense[n, o]: f32[2,3] = sum over (i<4) of %input[n, i] * %w[o, i] from dense @ models/small.ts:3:10
      %top[n]: f32[2] = max over (c<3) of %dense[n, c] from loss
      %best[n]: f32[2], %position[n]: u32[2] = firstMax over (c<3) of %dense[n, c] from loss
      %chosen[n]: f32[2] = %dense[n, data(%labels[n], 0, 2)] - %top[n] from loss
      %loss[]: f32[] = sum over (n<2) of %chosen[n] / -2.0 from loss
      %mask[n, c]: f32[2,3] = select(random(0, 3*n + c) < 0.5, 0.0, %dense[n, c] * 2.0) from dropout
      %split[a, b, c]: f32[2,2,2] = %copy[a, 2*b + c] from split
      %joined[n, c]: f32[2,4] = %split[n, c / 2, c % 2] from concat
      %cut[n]: f32[2] = sum over (c<3) of %dense[n, c] from loss by split @ models/small.ts:4:1
      %tiles[n]: f32[2] = %cut[n] * 2.0 from conv2d by "winograd F(4x4,5x5)"
      %strided[h]: f32[8] = (%top[h / 2] where divisible(h, 2) and h <= 2) from gradient
      %next[o, i]: f32[3,4] = %w[o, i] - uniform(lr) * (%w[o, i] * uniform(weightDecay)) from sgd

      output output = %dense
      output loss = %loss
      update %w <- %next
    `);
    expect(print(parse(text))).toBe(text);
  });

  test("axes with one name are told apart, and those of other definitions do not matter", () => {
    const x: Value = { name: "x", type: tensorType("f32", [3, 3]) };
    const make = (name: string) => {
      const [a, b] = [new Axis("i", 3), new Axis("i", 3)];
      return {
        outputs: [{ name, type: tensorType("f32", [3]) }],
        axes: [a],
        reduction: { combiner: "sum" as const, axes: [b] },
        body: new Tensor(x).at(a, b).times(Scalar.index(b).toF32()),
        op: "f",
      };
    };
    const inputs = [{ kind: "input" as const, value: x }];
    expectText(
      { ...header, stage: "expr", image, inputs, definitions: [make("y"), make("z")] },
      `
      expr small train
      image [1, 4, 4] mean [0] std [1]
      input %x: f32[3,3]
      %y[i]: f32[3] = sum over (i_1<3) of %x[i, i_1] * f32(index(i_1)) from f
      %z[i]: f32[3] = sum over (i_1<3) of %x[i, i_1] * f32(index(i_1)) from f`,
    );
  });

  test("a definition whose axes are not its shape shows both", () => {
    const expr = program<ExprProgram>(`
      expr small train
      image [1, 4, 4] mean [0] std [1]
      input %x: f32[3]
      %y[i<2]: f32[3] = %x[i] from f
      %z[i<2, j<3]: f32[6] = %x[j] from f
    `);
    expect(expr.definitions[1].axes.map((a) => a.extent)).toEqual([2, 3]);
    expect(expectRoundTrip(expr)).toContain("%y[i<2]: f32[3] = ");
  });

  test("data written alike is one number", () => {
    const expr = program<ExprProgram>(`
      expr small train
      image [1, 4, 4] mean [0] std [1]
      labels %l: i32[3]
      input %x: f32[3]
      %y[i]: f32[3] = %x[data(%l[i], 0, 2) - data(%l[ i ], 0, 2)] from f
    `);
    expect(expectRoundTrip(expr)).toContain("%y[i]: f32[3] = %x[0] from f");
  });

  test("long expressions are broken at their outermost brackets and operators", () => {
    const text = dedent(`
      expr small train
      image [1, 4, 4] mean [0] std [1]

      input %a.name.that.is.long: f32[4]
      input %another.name.that.is.long: f32[4]

      %y[i]: f32[4] =
        let t =
          pow(%a.name.that.is.long[i], %another.name.that.is.long[i])
          + pow(%another.name.that.is.long[i], %a.name.that.is.long[i])
        in
        let t_1 = exp(%a.name.that.is.long[i]) in
        select(
          %a.name.that.is.long[i] < %another.name.that.is.long[i],
          exp(
            %a.name.that.is.long[i] * %another.name.that.is.long[i] / %a.name.that.is.long[i]
            + %another.name.that.is.long[i]
          ),
          -(
            (%a.name.that.is.long[i] + %another.name.that.is.long[i] + 1.0) * %a.name.that.is.long[i]
            - %another.name.that.is.long[i]
          )
          / t
        )
        + t / t_1 * t_1
        from f @ models/small.ts:1:1
    `);
    expect(print(parse(text))).toBe(text);
  });

  test("layouts stand behind types once they are chosen", () => {
    const text = dedent(`
      expr laid out small train
      image [1, 4, 4] mean [0] std [1]

      input %x: f32[2,1,4,4] layout nhwc
      parameter %w: f32[3,16] layout [1, 0] = xavier

      %y[n, c]: f32[2,3] layout [0, 1] = sum over (i<16) of %x[n, 0, i / 4, i % 4] * %w[c, i] from dense
    `);
    const parsed = parse(text) as ExprProgram & { layouts: ReadonlyMap<Value, readonly number[]> };
    expect([...parsed.layouts].map(([value, order]) => [value.name, order])).toEqual([
      ["x", [0, 2, 3, 1]],
      ["w", [1, 0]],
      ["y", [0, 1]],
    ]);
    expect(parsed.layouts.get(parsed.inputs[0].value)).toEqual([0, 2, 3, 1]);
    expect(print(parsed)).toBe(text);
  });
});

describe("what stands several times in an expression", () => {
  const x: Value = { name: "x", type: tensorType("f32", [4]) };
  const i = new Axis("i", 4);
  const of = (body: Scalar): ExprProgram => ({
    ...header,
    stage: "expr",
    image,
    inputs: [{ kind: "input", value: x }],
    definitions: [{ outputs: [{ name: "y", type: x.type }], axes: [i], body, op: "f" }],
  });
  const read = () => new Tensor(x).at(i);

  test("is named first, short reads excepted", () => {
    const part = () => read().plus(1).exp();
    expectText(
      of(part().over(part().plus(read()))),
      `
      expr small train
      image [1, 4, 4] mean [0] std [1]
      input %x: f32[4]
      %y[i]: f32[4] = let t = exp(%x[i] + 1.0) in t / (t + %x[i]) from f`,
    );
    expect(print(of(part().over(part().plus(read()))))).toContain(
      "= let t = exp(%x[i] + 1.0) in t / (t + %x[i]) from f",
    );
  });

  test("is one object once parsed, however it was written", () => {
    const written = program<ExprProgram>(`
      expr small train
      image [1, 4, 4] mean [0] std [1]
      input %x: f32[4]
      %y[i]: f32[4] = exp(%x[i] + 1.0) / (exp(%x[i]+1.0) + (%x[i])) from f`);
    const n = written.definitions[0].body.node;
    if (n.kind !== "binary" || n.b.node.kind !== "binary") throw new Error("not as written");
    expect(n.b.node.a).toBe(n.a);
    expect(expectRoundTrip(written)).toContain("let t = exp(%x[i] + 1.0) in t / (t + %x[i])");
  });

  test("does not make the text explode", () => {
    let body = read();
    for (let k = 0; k < 100; k++) body = body.plus(body.max(0));
    const text = expectRoundTrip(of(body));
    expect(text.split("\n").length).toBeLessThan(120);
  });

  test("lets end with their body", () => {
    expectRoundTrip(
      program(`
      expr small train
      image [1, 4, 4] mean [0] std [1]
      input %x: f32[4]
      %y[i]: f32[4] = let a = exp(%x[i]) in let b = a + 1.0 in b * b - a from f
      %z[i]: f32[4] = let a = %x[i] in a from f`),
    );
  });

  test("random expressions with shared parts come back", () => {
    const w: World = { axes: [i, new Axis("i", 3)], tensors: [x], locals: [] };
    fc.assert(
      fc.property(dags(w), (body) => {
        const expr = of(body);
        const reduction = { combiner: "sum" as const, axes: [w.axes[1]] };
        expectRoundTrip({ ...expr, definitions: [{ ...expr.definitions[0], reduction }] });
      }),
      { numRuns: 300 },
    );
  }, 60_000);
});
