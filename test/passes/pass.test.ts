import { describe, expect, test } from "vitest";
import type { ExprProgram } from "../../compiler/ir/expr.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { removeDeadValues } from "../../compiler/passes/deadValues.ts";
import { lower } from "../../compiler/passes/lower.ts";
import { InvalidStage, type Pass, pipeline, runPipeline } from "../../compiler/passes/pass.ts";
import { namedPasses } from "../../compiler/passList.ts";
import { program } from "../text/helpers.ts";

const graph = program<Graph>(`
  graph small infer
  image [1, 2, 2] mean [0] std [1]
  input %x: f32[1,1,2,2]
  %dead: f32[1,1,2,2] = relu(x: %x)
  %y: f32[1,1,2,2] = relu(x: %x)
  output output = %y
`);

interface Context {
  readonly add: number;
}

const dead: Pass<Graph, Graph, Context> = {
  name: "dead",
  takes: ["graph"],
  summary: "What nothing needs is removed.",
  run: removeDeadValues,
};
const lowering: Pass<Graph, ExprProgram, Context> = {
  name: "lower",
  takes: ["graph"],
  summary: "Ops become expressions.",
  run: lower,
};
const count: Pass<ExprProgram, number, Context> = {
  name: "count",
  takes: ["expr"],
  summary: "How many definitions there are.",
  run: (p, { add }) => p.definitions.length + add,
  problems: (n, { add }) => (n - add === 1 ? [] : [`${n - add} definitions`, "1 is wanted"]),
};
const passes = pipeline<Graph, Context>().add(dead).add(dead).add(lowering).add(count);

describe("a pipeline", () => {
  test("runs its passes in order, with what they know beside the program", () => {
    expect(runPipeline(passes, graph, { add: 10 })).toBe(11);
    expect(runPipeline(pipeline<Graph>(), graph, {})).toBe(graph);
  });

  test("shows what each pass has made", () => {
    const seen: [string, unknown][] = [];
    runPipeline(passes, graph, { add: 0 }, { onPass: (name, result) => seen.push([name, result]) });
    const smaller = removeDeadValues(graph);
    expect(seen.map(([name]) => name)).toEqual(["dead", "dead", "lower", "count"]);
    expect(seen[0][1]).toEqual(smaller);
    expect(seen[3][1]).toBe(1);
  });

  test("verifies what each pass has made where asked to, after it was shown", () => {
    const two = { ...graph, outputs: graph.nodes.map((n) => ({ name: n.op, value: Object.values(n.outputs)[0] })) };
    expect(runPipeline(passes, two, { add: 0 })).toBe(2);
    expect(runPipeline(passes, graph, { add: 0 }, { verify: true })).toBe(1);
    const seen: string[] = [];
    const onPass = (name: string) => seen.push(name);
    const run = () => runPipeline(passes, two, { add: 0 }, { onPass, verify: true });
    expect(run).toThrow(new InvalidStage("count", ["2 definitions", "1 is wanted"]));
    expect(run).toThrow("what count made is not valid:\n  2 definitions\n  1 is wanted");
    expect(seen.slice(0, 4)).toEqual(["dead", "dead", "lower", "count"]);
  });

  test("what a pass throws comes through", () => {
    const error = new RangeError("no");
    const failing: Pass<Graph, Graph> = {
      name: "failing",
      takes: [],
      summary: "Fails.",
      run: () => {
        throw error;
      },
    };
    expect(() => runPipeline(pipeline<Graph>().add(failing), graph, {})).toThrow(error);
  });

  test("passes that do not fit do not compile", () => {
    // @ts-expect-error lower gives an expression program, dead takes a graph
    pipeline<Graph, Context>().add(lowering).add(dead);
  });
});

test("the compiler's passes have names fit for a file, and summaries that are sentences", () => {
  const names = namedPasses.map((p) => p.name);
  expect(new Set(names).size).toBe(names.length);
  expect([names[0], names.at(-1)]).toEqual(["number-streams", "plan"]);
  for (const { name, summary } of namedPasses) {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(summary).toMatch(/^[A-Z].*\.$/);
  }
});
