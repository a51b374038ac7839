/** `--dump-ir`: the program after every pass, as text. */
import type { CompiledModel } from "../compiler/artifact.ts";
import type { Kernel } from "../compiler/ir/kernel.ts";
import type { StageResult } from "../compiler/pipeline.ts";
import { planToText } from "../compiler/plan/print.ts";
import { print, type TextProgram } from "../compiler/text/print.ts";
import { printKernels } from "../compiler/text/printKernel.ts";
import type { EntryName } from "../runtime/program/schema.ts";
import { mainEntry } from "./mainEntry.ts";

/** What a pass made, as text and as data; the text of the pass before it where it changed nothing. */
export interface DumpedPass {
  readonly pass: string;
  readonly result: StageResult;
  readonly text: string;
}

/** Collects what the passes give while a model is compiled. */
export class DumpIr {
  readonly #seen: { readonly entry: EntryName | "pictures"; readonly pass: string; readonly result: StageResult }[] =
    [];

  readonly onPass = (entry: EntryName | "pictures", pass: string, result: StageResult): void => {
    this.#seen.push({ entry, pass, result });
  };

  /** Of the step (of forward in infer mode): the model as read, its joint graph, then every pass. */
  passes(model: CompiledModel): DumpedPass[] {
    const { name, entry } = mainEntry(model);
    const textOf = (result: StageResult): string => {
      if (result === entry.plan) return planToText(entry.plan, entry.problem);
      return Array.isArray(result) ? printKernels(result as readonly Kernel[]) : print(result as TextProgram);
    };
    return [
      { pass: "graph", result: model.graph as StageResult },
      { pass: entry.graph.stage === "joint" ? "joint" : "simplify", result: entry.graph as StageResult },
      ...this.#seen.filter((step) => step.entry === name),
    ].map(({ pass, result }) => ({ pass, result, text: textOf(result) }));
  }

  /** `ir/NN-<pass>.kir`, a file a pass, which holds the word unchanged where the pass changed nothing. */
  files(model: CompiledModel): Record<string, string> {
    let before: string | undefined;
    const files = this.passes(model).map(({ pass, text }, number) => {
      const unchanged = text === before;
      before = text;
      return [`ir/${String(number).padStart(2, "0")}-${pass}.kir`, unchanged ? "unchanged\n" : text] as const;
    });
    return Object.fromEntries(files);
  }
}
