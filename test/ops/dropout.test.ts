import { describe, expect, test } from "vitest";
import { differentiate } from "../../compiler/passes/autodiff.ts";
import { GraphBuilder } from "../../compiler/passes/graphBuilder.ts";
import { numberStreams } from "../../compiler/passes/numberStreams.ts";
import { uniform } from "../../runtime/program/random.ts";
import { bindingsFor, draws, emptyGraph, opGraph, prepare } from "./support.ts";

const shape = [20, 50];
const graph = opGraph("dropout", { x: shape }, { rate: 0.3 }, "alone");
const bindings = bindingsFor(graph, draws(1));
const x = bindings.get(graph.inputs[0].value)!;

describe("dropout", () => {
  test("drops where the stream's number is below the rate, and scales the rest", () => {
    const { run, output } = prepare(graph);
    const y = output(run(bindings, { seed: 11, step: 5 }), "output");
    for (let i = 0; i < y.length; i++) expect(y[i]).toBe(uniform(11, 5, i, 1) < 0.3 ? 0 : x[i] / 0.7);
    const kept = y.filter((v) => v !== 0).length / y.length;
    expect(kept).toBeGreaterThan(0.65);
    expect(kept).toBeLessThan(0.75);
  });

  test("drops others in another step", () => {
    const { run, output } = prepare(graph);
    const first = output(run(bindings, { step: 1 }), "output");
    const second = output(run(bindings, { step: 2 }), "output");
    expect(first.filter((v, i) => (v === 0) !== (second[i] === 0)).length).toBeGreaterThan(100);
  });

  test("lets through the gradient of what it kept", () => {
    const joint = differentiate(graph, { target: "cotangent", gradients: "all" });
    const { run, output } = prepare(joint);
    const given = bindingsFor(joint, draws(2));
    const cotangent = given.get(joint.inputs[1].value)!;
    const values = run(given);
    const y = output(values, "output");
    const gradient = output(values, "grad.input");
    for (let i = 0; i < y.length; i++) expect(gradient[i]).toBe(y[i] === 0 ? 0 : cotangent[i] / 0.7);
  });

  test("is the identity in infer mode", () => {
    const { run, output } = prepare({ ...graph, mode: "infer" });
    expect(output(run(bindings), "output")).toEqual(x);
  });

  test("two of them drop different elements", () => {
    const { x: input, ...empty } = emptyGraph(shape);
    const builder = new GraphBuilder(empty);
    const a = builder.emit("dropout", { x: input }, { rate: 0.5 }, "a").y;
    const b = builder.emit("dropout", { x: input }, { rate: 0.5 }, "b").y;
    const outputs = [
      { name: "a", value: a },
      { name: "b", value: b },
    ];
    const both = numberStreams({ ...empty, nodes: builder.nodes, outputs });
    const { run, output } = prepare(both);
    const values = run(bindingsFor(both, draws(1)));
    const second = output(values, "b");
    const differ = output(values, "a").filter((v, i) => (v === 0) !== (second[i] === 0)).length;
    expect(differ).toBeGreaterThan(400);
    expect(differ).toBeLessThan(600);
  });
});
