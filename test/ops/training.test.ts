/** What only training has: the loss, the optimizer, running statistics, and pictures coming in. */
import { describe, expect, test } from "vitest";
import type { Graph } from "../../compiler/ir/graph.ts";
import { f32, type Value } from "../../compiler/ir/types.ts";
import { differentiate } from "../../compiler/passes/autodiff.ts";
import { buildEntries } from "../../compiler/passes/entries.ts";
import { GraphBuilder } from "../../compiler/passes/graphBuilder.ts";
import { updateGraph } from "../../compiler/passes/optimizer.ts";
import { naive, statistics } from "./naive.ts";
import { bindingsFor, draws, emptyGraph, opGraph, prepare, randomTensor, relativeError } from "./support.ts";

/** A graph whose output is its input, by way of an add. */
const logitsGraph = (n: number, classes: number): Graph => {
  const { x, ...empty } = emptyGraph([n, classes]);
  const builder = new GraphBuilder(empty);
  const { y } = builder.emit("copy", { x }, {}, "logits");
  return { ...empty, classes, nodes: builder.nodes, outputs: [{ name: "output", value: y }] };
};

describe("softmaxCrossEntropy", () => {
  const [n, classes] = [5, 7];
  const joint = differentiate(logitsGraph(n, classes), { target: "labels", gradients: "all" });
  const { run, output } = prepare(joint);
  const [input, labels] = joint.inputs.map((i) => i.value);

  const given = (logits: Float64Array) =>
    new Map<Value, Float64Array>([
      [input, logits],
      [labels, Float64Array.from([0, 6, 3, 3, 1])],
    ]);
  const naiveLoss = (logits: Float64Array): number => {
    let total = 0;
    for (let i = 0; i < n; i++) {
      const row = [...logits.slice(i * classes, (i + 1) * classes)];
      total += Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0)) - row[given(logits).get(labels)![i]];
    }
    return total / n;
  };

  test("is the mean of logsumexp minus the label's logit, and its gradient follows", () => {
    const logits = randomTensor([n, classes], draws(3));
    const values = run(given(logits));
    expect(output(values, "loss")[0]).toBeCloseTo(naiveLoss(logits), 13);
    const gradient = output(values, "grad.input");
    for (let i = 0; i < logits.length; i++) {
      const at = (step: number) => naiveLoss(logits.map((v, j) => (j === i ? v + step : v)));
      expect(gradient[i]).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 9);
    }
  });

  test("stays finite with logits of thousands", () => {
    const logits = randomTensor([n, classes], draws(3)).map((v) => 4000 * v);
    const values = run(given(logits));
    expect(Number.isFinite(output(values, "loss")[0])).toBe(true);
    expect(output(values, "grad.input").every(Number.isFinite)).toBe(true);
  });
});

describe("sgd", () => {
  const { x: _, ...empty } = emptyGraph([1]);
  const parameter: Value = { name: "w", type: f32(2, 3) };
  const graph: Graph = {
    ...empty,
    states: [{ value: parameter, role: "parameter", initializer: { kind: "xavier" } }],
  };
  const uniforms = { lr: 0.1, momentum: 0.9, weightDecay: 0.05 };

  test("without velocity moves against gradient and decay", () => {
    const update = updateGraph(graph, { velocity: false });
    const { run } = prepare(update);
    const given = bindingsFor(update, draws(4));
    const [w, g] = [given.get(parameter)!, given.get(update.inputs[0].value)!];
    expect(update.updates.map((u) => u.state.name)).toEqual(["w"]);
    const next = run(given, uniforms).get(update.updates[0].next)!;
    expect(
      relativeError(
        next,
        w.map((v, i) => v - 0.1 * (g[i] + 0.05 * v)),
      ),
    ).toBeLessThan(1e-14);
  });

  test("with velocity accumulates it first", () => {
    const update = updateGraph(graph, { velocity: true });
    expect(update.states.map((s) => [s.value.name, s.role])).toEqual([
      ["w", "parameter"],
      ["w.velocity", "velocity"],
    ]);
    const { run } = prepare(update);
    const given = bindingsFor(update, draws(5));
    const [w, v] = update.states.map((s) => given.get(s.value)!);
    const g = given.get(update.inputs[0].value)!;
    const values = run(given, uniforms);
    const velocity = v.map((old, i) => 0.9 * old + (g[i] + 0.05 * w[i]));
    const nextOf = (state: Value) => values.get(update.updates.find((u) => u.state === state)!.next)!;
    expect(relativeError(nextOf(update.states[1].value), velocity)).toBeLessThan(1e-14);
    expect(
      relativeError(
        nextOf(parameter),
        w.map((p, i) => p - 0.1 * velocity[i]),
      ),
    ).toBeLessThan(1e-14);
  });
});

describe("batchNorm", () => {
  const shape = [3, 4, 2, 5];
  const graph = opGraph("batchNorm", { x: shape }, { momentum: 0.3 }, "alone");
  const state = (name: string) => graph.states.find((s) => s.value.name.endsWith(name))!.value;

  test("moves the running statistics, the variance unbiased", () => {
    const joint = differentiate(graph, { target: "cotangent", gradients: "parameters" });
    expect(joint.updates.map((u) => u.state)).toEqual([state("running_mean"), state("running_var")]);
    const { run } = prepare(joint);
    const given = bindingsFor(joint, draws(6));
    const values = run(given);
    const { mean, variance, count } = statistics({ shape, data: given.get(graph.inputs[0].value)! });
    const [nextMean, nextVariance] = joint.updates.map((u) => values.get(u.next)!);
    const moved = (old: Float64Array, batch: number[]) => old.map((v, c) => 0.7 * v + 0.3 * batch[c]);
    const unbiased = variance.map((v) => (v * count) / (count - 1));
    expect(relativeError(nextMean, moved(given.get(state("running_mean"))!, mean))).toBeLessThan(1e-13);
    expect(relativeError(nextVariance, moved(given.get(state("running_var"))!, unbiased))).toBeLessThan(1e-13);
  });

  test("normalises with the running statistics in infer mode, and updates nothing", () => {
    const infer: Graph = { ...graph, mode: "infer" };
    const { run, output, program } = prepare(infer);
    expect(program.updates).toEqual([]);
    const given = bindingsFor(infer, draws(7));
    const y = output(run(given), "output");
    const per = (name: string, i: number) => given.get(state(name))![Math.floor(i / 10) % 4];
    const x = given.get(graph.inputs[0].value)!;
    const expected = x.map(
      (v, i) =>
        ((v - per("running_mean", i)) / Math.sqrt(per("running_var", i) + 1e-5)) * per(".weight", i) + per(".bias", i),
    );
    expect(relativeError(y, expected)).toBeLessThan(1e-13);
  });
});

describe("pictures", () => {
  test.each([
    { channels: 3, picture: [5, 7], size: [8, 6], mean: [127.5, 10, 0], std: [64, 1, 2] },
    { channels: 1, picture: [9, 4], size: [3, 4], mean: [0], std: [1] },
    { channels: 2, picture: [6, 6], size: [6, 6], mean: [3, 3], std: [5, 5] },
  ])("are resized and scaled: $picture to $size", ({ channels, picture, size, mean, std }) => {
    const [height, width] = size;
    const batch = 2;
    const { x: _, ...empty } = emptyGraph([batch, channels, height, width]);
    const builder = new GraphBuilder(empty);
    const { y } = builder.emit("relu", { x: empty.inputs[0].value }, {}, "y");
    const model: Graph = {
      ...empty,
      nodes: builder.nodes,
      outputs: [{ name: "output", value: y }],
      image: { channels, height, width, mean, std },
    };
    const { pictures } = buildEntries(model, { velocity: false, pictureBytes: 1024 });
    expect(pictures.outputs).toEqual([{ name: "input", value: model.inputs[0].value }]);
    const { run, output } = prepare(pictures);

    const next = draws(8);
    const [rows, columns] = picture;
    const bytes = Uint8Array.from({ length: batch * rows * columns * channels }, () => Math.floor(256 * next()));
    const words = new Float64Array(256);
    for (const [i, byte] of bytes.entries()) words[i >> 2] += byte * 256 ** (i & 3);
    const given = new Map([[pictures.inputs[0].value, words]]);
    const got = output(run(given, { pictureHeight: rows, pictureWidth: columns }), "input");

    const planar = new Float64Array(bytes.length);
    for (const [i, byte] of bytes.entries()) {
      const [pixel, c] = [Math.floor(i / channels), i % channels];
      const [n, at] = [Math.floor(pixel / (rows * columns)), pixel % (rows * columns)];
      planar[(n * channels + c) * rows * columns + at] = byte;
    }
    const resized = naive.resize({ x: { shape: [batch, channels, rows, columns], data: planar } }, { height, width });
    const expected = resized.data.map((v, i) => {
      const c = Math.floor(i / (height * width)) % channels;
      return (v - mean[c]) / std[c];
    });
    expect(relativeError(got, expected)).toBeLessThan(1e-13);
  });
});
