import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readModel } from "../../compiler/frontend/index.ts";
import type { ExprProgram } from "../../compiler/ir/expr.ts";
import type { FusedProgram } from "../../compiler/ir/fused.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { shareGroup } from "../../compiler/ir/share.ts";
import { mergeCommonDefinitions } from "../../compiler/passes/commonDefinitions.ts";
import { removeDeadDefinitions } from "../../compiler/passes/deadDefinitions.ts";
import { buildEntries } from "../../compiler/passes/entries.ts";
import { foldConstants } from "../../compiler/passes/foldConstants.ts";
import { fusion } from "../../compiler/passes/fusion.ts";
import { type LaidOutProgram, layout } from "../../compiler/passes/layout.ts";
import { lower } from "../../compiler/passes/lower.ts";
import { residues } from "../../compiler/passes/residues.ts";
import { splitReductions } from "../../compiler/passes/splitReductions.ts";
import { scheduleProgram } from "../../compiler/schedule/index.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { parse } from "../../compiler/text/parse.ts";
import { print, type TextProgram } from "../../compiler/text/print.ts";
import { printKernels } from "../../compiler/text/printKernel.ts";

const root = new URL("../../", import.meta.url);
const files = ["models", "test/reference"].flatMap((folder) =>
  readdirSync(new URL(folder, root))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => `${folder}/${file}`),
);

const read = (path: string): string | undefined => {
  const url = new URL(path, root);
  return existsSync(url) ? readFileSync(url, "utf8") : undefined;
};

function graphOf(path: string): Graph {
  const { graph, diagnostics } = readModel({ path, read }, { batch: 4 });
  expect(diagnostics).toEqual([]);
  return graph as Graph;
}

const target = loadTarget("portable");

/** From the graph of an entry point to its groups. */
const passes: readonly ((program: never) => TextProgram)[] = [
  lower,
  foldConstants,
  mergeCommonDefinitions,
  removeDeadDefinitions,
  residues,
  (p: ExprProgram) => splitReductions(p, target),
  layout,
  (p: LaidOutProgram) => fusion(p, target),
];

/** Prints and parses back; what is parsed goes through the pass to the same text as the program itself. */
function expectTextAllTheWay(start: Graph): void {
  let program: TextProgram = start;
  let text = print(program);
  expect(print(parse(text))).toBe(text);
  for (const pass of passes) {
    const parsed = parse(text);
    program = pass(program as never);
    text = print(program);
    expect(print(parse(text))).toBe(text);
    expect(print(pass(parsed as never))).toBe(text);
  }
  expectSameKernels(program as FusedProgram, text);
}

/** Schedules look at which scalars are one object; text says what is equal. */
function expectSameKernels(fused: FusedProgram, text: string): void {
  const shared = { ...fused, groups: fused.groups.map(shareGroup) };
  const kernels = (program: FusedProgram) => printKernels(scheduleProgram({ program, target }));
  expect(kernels(parse(text) as FusedProgram)).toBe(kernels(shared));
}

describe("every model prints and parses back at every stage, and the compiler does the same with what was parsed", () => {
  test.each(files)(
    "%s",
    (path) => {
      const graph = graphOf(path);
      expect(print(parse(print(graph)))).toBe(print(graph));
      // What `gradients` has, `step` has too.
      const { gradients: _, ...entries } = buildEntries(graph, { velocity: true });
      for (const entry of Object.values(entries)) expectTextAllTheWay(entry as Graph);
    },
    120_000,
  );
});
