import { describe, expect, test } from "vitest";
import type { ExprProgram } from "../../compiler/ir/expr.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { removeDeadValues } from "../../compiler/passes/deadValues.ts";
import { lower } from "../../compiler/passes/lower.ts";
import { type Dump, dumpFile, type Pass, pipeline, runPipeline } from "../../compiler/passes/pass.ts";
import { print } from "../../compiler/text/print.ts";
import { program } from "../text/helpers.ts";

const graph = program<Graph>(`
  graph small infer
  image [1, 2, 2] mean [0] std [1]
  input %x: f32[1,1,2,2]
  %dead: f32[1,1,2,2] = relu(x: %x)
  %y: f32[1,1,2,2] = relu(x: %x)
  output output = %y
`);

const dead: Pass<Graph, Graph> = { name: "dead", summary: "What nothing needs is removed.", run: removeDeadValues };
const lowering: Pass<Graph, ExprProgram> = { name: "lower", summary: "Ops become expressions.", run: lower };
const count: Pass<ExprProgram, number> = {
  name: "count",
  summary: "How many definitions there are.",
  run: (p) => p.definitions.length,
  print: (n) => `${n}\n`,
};
const passes = pipeline<Graph>().add(dead).add(dead).add(lowering).add(count);

describe("a pipeline", () => {
  test("runs its passes in order", () => {
    expect(runPipeline(passes, graph)).toBe(1);
    expect(runPipeline(pipeline<Graph>(), graph)).toBe(graph);
  });

  test("shows the program after each pass, and says where nothing changed", () => {
    const dumps: Dump[] = [];
    runPipeline(passes, graph, { onDump: (dump) => dumps.push(dump) });
    const smaller = removeDeadValues(graph);
    expect(dumps).toEqual([
      { number: 1, pass: "dead", text: print(smaller), unchanged: false },
      { number: 2, pass: "dead", text: print(smaller), unchanged: true },
      { number: 3, pass: "lower", text: print(lower(smaller)), unchanged: false },
      { number: 4, pass: "count", text: "1\n", unchanged: false },
    ]);
    expect(dumps.map(dumpFile).map(({ name, text }) => [name, text === "unchanged\n"])).toEqual([
      ["01-dead.kir", false],
      ["02-dead.kir", true],
      ["03-lower.kir", false],
      ["04-count.kir", false],
    ]);
  });

  test("verifies the input and every result, and names the pass behind which a fault was found", () => {
    const seen: unknown[] = [];
    runPipeline(passes, graph, { verify: (p) => seen.push(p) });
    expect(seen).toHaveLength(5);
    expect(seen[0]).toBe(graph);
    const verify = (p: unknown) => {
      if ((p as ExprProgram).stage === "expr") throw new Error("%y is wrong");
    };
    expect(() => runPipeline(passes, graph, { verify })).toThrow(/^after lower: %y is wrong$/);
    expect(() => runPipeline(pipeline<ExprProgram>().add(count), lower(graph), { verify })).toThrow(
      "before the first pass: %y is wrong",
    );
  });

  test("what a pass throws comes through", () => {
    const error = new RangeError("no");
    const failing: Pass<Graph, Graph> = {
      name: "failing",
      summary: "Fails.",
      run: () => {
        throw error;
      },
    };
    expect(() => runPipeline(pipeline<Graph>().add(failing), graph)).toThrow(error);
  });

  test("passes that do not fit do not compile", () => {
    // @ts-expect-error lower gives an expression program, dead takes a graph
    pipeline<Graph>().add(lowering).add(dead);
  });
});
