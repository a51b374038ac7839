/** `--dump-ir`: the program after every pass, as text. */
import type { CompiledModel } from "../compiler/artifact.ts";
import type { StageProgram } from "../compiler/ir/stage.ts";
import { print } from "../compiler/text/print.ts";
import type { EntryName } from "../runtime/program/schema.ts";
import { mainEntry } from "./mainEntry.ts";

/** What a pass made, as text and as data; the text of the pass before it where it changed nothing. */
export interface DumpedPass {
  readonly pass: string;
  readonly result: StageProgram;
  readonly text: string;
}

/** Collects what the passes give while a model is compiled. */
export class DumpIr {
  readonly #seen: { readonly entry: EntryName | "pictures"; readonly pass: string; readonly result: StageProgram }[] =
    [];

  readonly onPass = (entry: EntryName | "pictures", pass: string, result: StageProgram): void => {
    this.#seen.push({ entry, pass, result });
  };

  /** Of the step (of forward in infer mode): the model as read, then every pass. */
  passes(model: CompiledModel): DumpedPass[] {
    const { name } = mainEntry(model);
    return [
      { pass: "graph", result: model.graph as StageProgram },
      ...this.#seen.filter((step) => step.entry === name),
    ].map(({ pass, result }) => ({ pass, result, text: print(result) }));
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
