import { describe, expect, test } from "vitest";
import type { Graph } from "../../compiler/ir/graph.ts";
import { graphProblems } from "../../compiler/ir/verifyGraph.ts";
import { differentiate } from "../../compiler/passes/autodiff.ts";
import { buildEntries } from "../../compiler/passes/entries.ts";
import { optimize } from "../../compiler/passes/optimizer.ts";
import { expectText, program } from "../text/helpers.ts";

const perceptron = `
  graph perceptron train
  image [3, 2, 2] mean [0, 0, 0] std [1, 1, 1]
  classes 5

  input %input: f32[4,3,2,2]
  parameter %dense_1.weight: f32[5,12] = xavier
  parameter %dense_1.bias: f32[5] = constant 0

  %flatten_1: f32[4,12] = flatten(x: %input)
  %dense_1: f32[4,5] = dense(x: %flatten_1, weight: %dense_1.weight, bias: %dense_1.bias) { units: 5 }

  output output = %dense_1
`;

const perceptronLoss = `
  joint perceptron train
  image [3, 2, 2] mean [0, 0, 0] std [1, 1, 1]
  classes 5

  input %input: f32[4,3,2,2]
  labels %labels: i32[4]
  parameter %dense_1.weight: f32[5,12] = xavier
  parameter %dense_1.bias: f32[5] = constant 0

  %flatten_1: f32[4,12] = flatten(x: %input)
  %dense_1: f32[4,5] = dense(x: %flatten_1, weight: %dense_1.weight, bias: %dense_1.bias) { units: 5 }
  %loss: f32[] as loss = softmaxCrossEntropy(logits: %dense_1, labels: %labels)
  %d.loss: f32[] = constant() { value: 1, shape: [] }
  %d.dense_1: f32[4,5] as dlogits = softmaxCrossEntropyGradient(logits: %dense_1, labels: %labels, dloss: %d.loss)
  %d.dense_1.weight: f32[5,12] as dw = denseWeightGradient(x: %flatten_1, dy: %d.dense_1)
  %d.dense_1.bias: f32[5] as sum = channelSum(x: %d.dense_1)
`;

describe("differentiate", () => {
  test("appends the loss and the gradients of the parameters, and nothing that only the image needs", () => {
    expectText(
      differentiate(program<Graph>(perceptron), { target: "labels", gradients: "parameters" }),
      `${perceptronLoss}
      output output = %dense_1
      output loss = %loss
      output grad.dense_1.weight = %d.dense_1.weight
      output grad.dense_1.bias = %d.dense_1.bias
    `,
    );
  });

  test("sums the cotangents of a value that is used three times, and takes it to the image", () => {
    const graph = program<Graph>(`
      graph uses train
      image [2, 3, 3] mean [0, 0] std [1, 1]
      input %input: f32[1,2,3,3]
      %a: f32[1,2,3,3] = relu(x: %input)
      %b: f32[1,2,3,3] = add(a: %a, b: %a)
      %c: f32[1,2,3,3] = add(a: %a, b: %b)
      output output = %c
    `);
    expectText(
      differentiate(graph, { target: "cotangent", gradients: "all" }),
      `
      joint uses train
      image [2, 3, 3] mean [0, 0] std [1, 1]
      input %input: f32[1,2,3,3]
      cotangent %cotangent: f32[1,2,3,3]
      %a: f32[1,2,3,3] = relu(x: %input)
      %b: f32[1,2,3,3] = add(a: %a, b: %a)
      %c: f32[1,2,3,3] = add(a: %a, b: %b)
      %d.a: f32[1,2,3,3] = add(a: %cotangent, b: %cotangent)
      %d.a_2: f32[1,2,3,3] = add(a: %d.a, b: %cotangent)
      %d.input: f32[1,2,3,3] as dx = reluGradient(y: %a, dy: %d.a_2)
      output output = %c
      output grad.input = %d.input
    `,
    );
  });

  test("takes unused parts of a split as zeros", () => {
    const graph = program<Graph>(`
      graph parts train
      image [4, 1, 1] mean [0, 0, 0, 0] std [1, 1, 1, 1]
      input %input: f32[1,4,1,1]
      %s.0: f32[1,2,1,1] as "0", %s.1: f32[1,2,1,1] as "1" = split(x: %input) { sections: 2, axis: 1 }
      %y: f32[1,2,1,1] = relu(x: %s.1)
      output output = %y
    `);
    expectText(
      differentiate(graph, { target: "cotangent", gradients: "all" }),
      `
      joint parts train
      image [4, 1, 1] mean [0, 0, 0, 0] std [1, 1, 1, 1]
      input %input: f32[1,4,1,1]
      cotangent %cotangent: f32[1,2,1,1]
      %s.0: f32[1,2,1,1] as "0", %s.1: f32[1,2,1,1] as "1" = split(x: %input) { sections: 2, axis: 1 }
      %y: f32[1,2,1,1] = relu(x: %s.1)
      %d.s.1: f32[1,2,1,1] as dx = reluGradient(y: %y, dy: %cotangent)
      %d.input: f32[1,2,1,1] = constant() { value: 0, shape: [1, 2, 1, 1] }
      %d.input_2: f32[1,4,1,1] = concat(tensors: [%d.input, %d.s.1]) { axis: 1 }
      output output = %y
      output grad.input = %d.input_2
    `,
    );
  });

  test("gives a parameter that nothing reads a gradient of zeros, and never hands out an input", () => {
    const graph = program<Graph>(`
      graph idle train
      image [1, 1, 1] mean [0] std [1]
      input %input: f32[2,1,1,1]
      parameter %idle: f32[3] = constant 0
      %y: f32[2,1,1,1] = copy(x: %input)
      output output = %y
    `);
    expectText(
      differentiate(graph, { target: "cotangent", gradients: "all" }),
      `
      joint idle train
      image [1, 1, 1] mean [0] std [1]
      input %input: f32[2,1,1,1]
      cotangent %cotangent: f32[2,1,1,1]
      parameter %idle: f32[3] = constant 0
      %y: f32[2,1,1,1] = copy(x: %input)
      %d.input: f32[2,1,1,1] = copy(x: %cotangent)
      %d.idle: f32[3] = constant() { value: 0, shape: [3] }
      output output = %y
      output grad.input = %d.input
      output grad.idle = %d.idle
    `,
    );
  });
});

describe("optimize", () => {
  test("replaces parameters and velocities; gradients are outputs no longer", () => {
    const joint = differentiate(program<Graph>(perceptron), { target: "labels", gradients: "parameters" });
    const text = perceptronLoss.replace(
      "= constant 0\n",
      `= constant 0
      velocity %dense_1.weight.velocity: f32[5,12] = constant 0
      velocity %dense_1.bias.velocity: f32[5] = constant 0
      `,
    );
    expectText(
      optimize(joint, { velocity: true }),
      `${text}
      %dense_1.weight.next: f32[5,12] as next, %dense_1.weight.nextVelocity: f32[5,12] as nextVelocity = sgd(parameter: %dense_1.weight, gradient: %d.dense_1.weight, velocity: %dense_1.weight.velocity)
      %dense_1.bias.next: f32[5] as next, %dense_1.bias.nextVelocity: f32[5] as nextVelocity = sgd(parameter: %dense_1.bias, gradient: %d.dense_1.bias, velocity: %dense_1.bias.velocity)
      output output = %dense_1
      output loss = %loss
      update %dense_1.weight <- %dense_1.weight.next
      update %dense_1.weight.velocity <- %dense_1.weight.nextVelocity
      update %dense_1.bias <- %dense_1.bias.next
      update %dense_1.bias.velocity <- %dense_1.bias.nextVelocity
    `,
    );
  });

  test("an update before the last reader of what it replaces is caught", () => {
    const step = optimize(
      differentiate(
        program<Graph>(`
          graph two train
          image [4, 1, 1] mean [0, 0, 0, 0] std [1, 1, 1, 1]
          classes 3
          input %input: f32[2,4,1,1]
          parameter %one: f32[6,4] = xavier
          parameter %two: f32[3,6] = xavier
          %x: f32[2,4] = flatten(x: %input)
          %h: f32[2,6] = dense(x: %x, weight: %one) { units: 6 }
          %y: f32[2,3] = dense(x: %h, weight: %two) { units: 3 }
          output output = %y
        `),
        { target: "labels", gradients: "parameters" },
      ),
      { velocity: false },
    );
    expect(graphProblems(step)).toEqual([]);
    const reader = step.nodes.findIndex((n) => n.op === "denseInputGradient");
    const writer = step.nodes.findIndex(
      (n) => n.op === "sgd" && n.inputs.parameter === step.nodes[reader].inputs.weight,
    );
    const nodes = [...step.nodes];
    const [moved] = nodes.splice(reader, 1);
    nodes.splice(writer, 0, moved);
    expect(graphProblems({ ...step, nodes })).toContain("%two is read after %two.next has replaced it");
  });
});

describe("buildEntries", () => {
  test("a classifier has every entry point", () => {
    const entries = buildEntries(program<Graph>(perceptron), { velocity: true });
    const names = (graph: Graph | undefined) => graph?.outputs.map((o) => o.name);
    const gradients = ["grad.input", "grad.dense_1.weight", "grad.dense_1.bias"];
    expect(names(entries.forward)).toEqual(["output"]);
    expect(names(entries.gradientsFromCotangent)).toEqual(["output", ...gradients]);
    expect(names(entries.gradients)).toEqual(["output", "loss", ...gradients]);
    expect(names(entries.step)).toEqual(["output", "loss"]);
    expect(names(entries.update)).toEqual([]);
    expect(entries.update?.inputs.map((i) => [i.kind, i.value.name])).toEqual([
      ["gradient", "grad.dense_1.weight"],
      ["gradient", "grad.dense_1.bias"],
    ]);
    expect(entries.forward.mode).toBe("infer");
    for (const graph of Object.values(entries)) expect(graphProblems(graph)).toEqual([]);
  });

  test("a model without classes has no step and no gradients from labels", () => {
    const { classes: _, ...graph } = program<Graph>(perceptron);
    const entries = buildEntries(graph, { velocity: false });
    expect(Object.keys(entries).sort()).toEqual(["forward", "gradientsFromCotangent", "pictures"]);
  });
});
