import { describe, expect, test } from "vitest";
import type { Graph } from "../../compiler/ir/graph.ts";
import { f32, tensorType, type Value } from "../../compiler/ir/types.ts";
import { parse } from "../../compiler/text/parse.ts";
import { print } from "../../compiler/text/print.ts";
import { dedent, expectRoundTrip, program } from "./helpers.ts";

const value = (name: string, ...shape: number[]): Value => ({ name, type: f32(...shape) });
const place = (line: number, column: number) => ({ file: "models/small.ts", line, column });

/** Every kind of thing that a graph can hold. */
function handBuilt(): Graph {
  const x = value("input", 2, 3, 8, 8);
  const labels: Value = { name: "labels", type: tensorType("i32", [2]) };
  const cotangent = value("cotangent", 2, 4);
  const weight = value("conv2d_1.weight", 4, 3, 3, 3);
  const bias = value("conv2d_1.bias", 4);
  const velocity = value("conv2d_1.weight.velocity", 4, 3, 3, 3);
  const mean = value("bn.running_mean", 4);
  const conv = value("conv2d_1", 2, 4, 6, 6);
  const pool = value("maxPool2d_1", 2, 4, 3, 3);
  const winner: Value = { name: "maxPool2d_1.winner", type: tensorType("u32", [2, 4, 3, 3]) };
  const both = value("concat_1", 2, 8, 3, 3);
  const loss = value("loss");
  const next = value("conv2d_1.weight.next", 4, 3, 3, 3);
  const pair = [2, 2];
  return {
    stage: "joint",
    name: "a small one",
    mode: "train",
    image: { channels: 3, height: 8, width: 8, mean: [127.5, 0, -0], std: [64, 1e-7, 1] },
    classes: 4,
    inputs: [
      { value: x, kind: "input" },
      { value: labels, kind: "labels" },
      { value: cotangent, kind: "cotangent" },
      { value: value("grad", 4), kind: "gradient" },
    ],
    states: [
      { value: weight, role: "parameter", initializer: { kind: "xavier" } },
      { value: bias, role: "parameter", initializer: { kind: "constant", value: 0 } },
      { value: velocity, role: "velocity", initializer: { kind: "constant", value: 0 } },
      { value: mean, role: "statistic", initializer: { kind: "constant", value: -3.4028234663852886e38 } },
    ],
    nodes: [
      {
        op: "conv2d",
        inputs: { x, weight, bias },
        options: { kernel: [3, 3], groups: 1, bias: true, note: 'a "b"\n' },
        outputs: { y: conv },
        location: place(4, 7),
      },
      { op: "maxPool2d", inputs: { x: conv }, options: { kernel: pair, stride: pair }, outputs: { y: pool, winner } },
      { op: "concat", inputs: { xs: [pool, pool] }, options: { axis: 1 }, outputs: { y: both }, location: place(6, 7) },
      { op: "loss", inputs: { x: both, labels }, options: {}, outputs: { loss } },
      { op: "sgd", inputs: { w: weight, v: velocity }, options: { epsilon: 1e-5, lowest: -1 }, outputs: { next } },
    ],
    outputs: [
      { name: "output", value: both },
      { name: "grad.conv2d_1.weight", value: next },
    ],
    updates: [{ state: weight, next }],
  };
}

const handBuiltText = dedent(`
  joint "a small one" train
  image [3, 8, 8] mean [127.5, 0, -0] std [64, 1e-7, 1]
  classes 4

  input %input: f32[2,3,8,8]
  labels %labels: i32[2]
  cotangent %cotangent: f32[2,4]
  gradient %grad: f32[4]
  parameter %conv2d_1.weight: f32[4,3,3,3] = xavier
  parameter %conv2d_1.bias: f32[4] = constant 0
  velocity %conv2d_1.weight.velocity: f32[4,3,3,3] = constant 0
  statistic %bn.running_mean: f32[4] = constant -3.4028234663852886e38

  %conv2d_1: f32[2,4,6,6] = conv2d(x: %input, weight: %conv2d_1.weight, bias: %conv2d_1.bias) { kernel: [3, 3], groups: 1, bias: true, note: "a \\"b\\"\\n" } @ models/small.ts:4:7
  %maxPool2d_1: f32[2,4,3,3], %maxPool2d_1.winner: u32[2,4,3,3] as winner = maxPool2d(x: %conv2d_1) { kernel: [2, 2], stride: [2, 2] }
  %concat_1: f32[2,8,3,3] = concat(xs: [%maxPool2d_1, %maxPool2d_1]) { axis: 1 } @ models/small.ts:6:7
  %loss: f32[] as loss = loss(x: %concat_1, labels: %labels)
  %conv2d_1.weight.next: f32[4,3,3,3] as next = sgd(w: %conv2d_1.weight, v: %conv2d_1.weight.velocity) { epsilon: 1e-5, lowest: -1 }

  output output = %concat_1
  output grad.conv2d_1.weight = %conv2d_1.weight.next
  update %conv2d_1.weight <- %conv2d_1.weight.next
`);

describe("graph as text", () => {
  test("prints everything that a graph holds", () => {
    expect(print(handBuilt())).toBe(handBuiltText);
  });

  test("parses back to the same graph", () => {
    expect(parse(handBuiltText)).toEqual(handBuilt());
    expectRoundTrip(handBuilt());
  });

  test("a parsed value is one object wherever it is used", () => {
    const graph = parse(handBuiltText) as Graph;
    expect(graph.nodes[0].inputs.weight).toBe(graph.states[0].value);
    expect((graph.nodes[2].inputs.xs as Value[])[1]).toBe(graph.nodes[1].outputs.y);
    expect(graph.updates[0].state).toBe(graph.states[0].value);
    expect(graph.updates[0].next).toBe(graph.nodes[4].outputs.next);
  });

  test("spacing, line ends and comments mean nothing", () => {
    const text = `// a comment
      graph
        tiny infer // the mode
      image[1,2,2]mean[0]std[1]
      input%x:f32[1,1,2,2] %y:f32[1,1,2,2]=relu(x:%x)@a/b.ts:1:2// here
      output output=%y`;
    expect(print(parse(text))).toBe(
      dedent(`
        graph tiny infer
        image [1, 2, 2] mean [0] std [1]

        input %x: f32[1,1,2,2]

        %y: f32[1,1,2,2] = relu(x: %x) @ a/b.ts:1:2

        output output = %y
      `),
    );
    expect(print(parse(text.replace(/ {2,}/g, "\r\n\t")))).toBe(print(parse(text)));
  });

  test("names that are no identifiers are quoted, also in places", () => {
    const graph = program<Graph>(`
      graph "my model" infer
      image [1, 2, 2] mean [0] std [1]
      input %"the input": f32[1,1,2,2]
      %"2nd": f32[1,1,2,2] as "an output" = "an op"("an input": %"the input") { "an option": 1 } @ "C:\\\\my models\\\\a.ts":1:2
      output "out put" = %"2nd"
    `);
    expect(graph.nodes[0].location).toEqual({ file: "C:\\my models\\a.ts", line: 1, column: 2 });
    expect(graph.nodes[0].outputs["an output"].name).toBe("2nd");
    expectRoundTrip(graph);
  });

  test("an output called y is named where it is not the first", () => {
    const graph = program<Graph>(`
      graph m infer
      image [1, 2, 2] mean [0] std [1]
      input %x: f32[4]
      %a: f32[4] as m, %b: f32[4] as y = f(x: %x)
    `);
    expect(Object.keys(graph.nodes[0].outputs)).toEqual(["m", "y"]);
    expectRoundTrip(graph);
  });
});
