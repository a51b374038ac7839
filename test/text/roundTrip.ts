/** A program printed and parsed back after every pass. */
import { expect } from "vitest";
import type { KernelProgram } from "../../compiler/ir/kernelProgram.ts";
import type { StageProgram } from "../../compiler/ir/stage.ts";
import { toGradients } from "../../compiler/passes/graphPasses.ts";
import { type Pass, type Pipeline, runPipeline } from "../../compiler/passes/pass.ts";
import { toExpr, toFused, toKernels, toLaidOut, toPlan, toSlices } from "../../compiler/pipeline.ts";
import { parse } from "../../compiler/text/parse.ts";
import { print } from "../../compiler/text/print.ts";
import { printWat } from "../../compiler/wasm/print.ts";
import { printWgsl } from "../../compiler/wgsl/print.ts";

/** The passes from the graph of an entry point to its plan. */
export const later = [toExpr, toLaidOut, toFused, toSlices, toKernels, toPlan].flatMap(({ passes }) => passes);

/** What leads from one stage of `kiln inspect` to the next, as one pass. */
export const stagePasses: Pick<Pass<any, any, any>, "name" | "run">[] = Object.entries({
  joint: toGradients,
  expr: toExpr,
  fused: toLaidOut.then(toFused),
  slices: toSlices,
  kernels: toKernels,
  plan: toPlan,
}).map(([name, passes]) => ({
  name,
  run: (program, context) => runPipeline(passes as Pipeline<any, any, any>, program, context),
}));

/** Runs the passes one by one; each gives the same from text as from the program itself. Gives the last one's result. */
export function expectTextAllTheWay(
  start: StageProgram,
  passes: readonly Pick<Pass<any, any, any>, "name" | "run">[],
  context: object,
): StageProgram {
  let program = start;
  let text = print(program);
  expect(print(parse(text))).toBe(text);
  for (const { name, run } of passes) {
    const parsed = parse(text);
    program = run(program, context);
    text = print(program);
    expect(print(parse(text)), name).toBe(text);
    expect(print(run(parsed, context)), name).toBe(text);
  }
  return program;
}

/** The kernels read from text print to the same WGSL or WebAssembly. */
export function expectSameKernels(program: StageProgram, target: string): void {
  const printed = target === "wasm" ? printWat : printWgsl;
  const texts = ({ kernels }: KernelProgram) => kernels.map((kernel) => printed(kernel).text);
  expect(texts(parse(print(program)) as KernelProgram)).toEqual(texts(program as KernelProgram));
}
