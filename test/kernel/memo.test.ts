/** Groups that differ in names alone are scheduled once, and each gets the kernel it would have had. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FusedProgram } from "../../compiler/ir/fused.ts";
import { buildEntries } from "../../compiler/passes/entries.ts";
import { compileEntry } from "../../compiler/pipeline.ts";
import { scheduleProgram, textureChoice } from "../../compiler/schedule/index.ts";
import { ScheduleMemo } from "../../compiler/schedule/memo.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { printKernels } from "../../compiler/text/printKernel.ts";
import { readFile } from "../frontend/read.ts";
import { modelOf, networks } from "./networks.ts";

const target = loadTarget("lavapipe");
const kernelsOf = (program: FusedProgram, memo?: ScheduleMemo) => scheduleProgram({ program, target, memo });

function expectSame(program: FusedProgram, memo: ScheduleMemo): void {
  const [plain, remembered] = [kernelsOf(program), kernelsOf(program, memo)];
  expect(printKernels(remembered)).toBe(printKernels(plain));
  for (const [i, kernel] of remembered.kernels.entries()) {
    expect(kernel.buffers.map((b) => b.value)).toEqual(plain.kernels[i].buffers.map((b) => b.value));
    expect(kernel.inPlace).toEqual(plain.kernels[i].inPlace);
  }
  for (const group of program.groups)
    for (const bytes of [Number.POSITIVE_INFINITY, 1000])
      expect(textureChoice(group, { program, target, memo })(bytes)).toEqual(
        textureChoice(group, { program, target })(bytes),
      );
}

describe.each(["alexnet", "resnet18"])("%s", (name) => {
  const graphs = buildEntries(readFile(`models/${name}.ts`, { batch: 4 }), { velocity: true });
  const programs = Object.values(graphs).map((graph) => compileEntry(graph, { target }).fused);

  test("one memo for all entry points gives the kernels that each would have alone", { timeout: 120_000 }, () => {
    const memo = new ScheduleMemo();
    for (const program of programs) expectSame(program, memo);
  });

  test("the text depends on the group alone, not on what was remembered before it", { timeout: 120_000 }, () => {
    const backwards = new ScheduleMemo();
    for (const program of programs.toReversed())
      kernelsOf({ ...program, groups: program.groups.toReversed() }, backwards);
    for (const program of programs) expectSame(program, backwards);
  });
});

test("random networks", { timeout: 120_000 }, () => {
  const memo = new ScheduleMemo();
  const property = fc.property(networks(), (network) => {
    const graph = buildEntries(modelOf(network), { velocity: false }).gradientsFromCotangent;
    expectSame(compileEntry(graph!, { target }).fused, memo);
  });
  fc.assert(property, { numRuns: 60, seed: 3 });
});

test("layers that are alike share kernels, whatever their numbers", () => {
  const program = compileEntry(buildEntries(readFile("models/resnet18.ts", { batch: 4 }), { velocity: false }).step!, {
    target,
  }).fused;
  const bodies = new Set(kernelsOf(program, new ScheduleMemo()).kernels.map((k) => k.body));
  expect(bodies.size).toBeLessThan(0.8 * program.groups.length);
});
