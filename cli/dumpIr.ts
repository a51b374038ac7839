/** `--dump-ir`: the program after every pass, as text. */
import type { CompiledModel } from "../compiler/artifact.ts";
import type { StageProgram } from "../compiler/ir/stage.ts";
import { print } from "../compiler/text/print.ts";
import type { EntryName } from "../runtime/program/schema.ts";
import { mainEntry } from "./mainEntry.ts";

/** Collects what the passes give while a model is compiled. */
export class DumpIr {
  readonly #seen: { readonly entry: EntryName | "pictures"; readonly pass: string; readonly result: StageProgram }[] =
    [];

  readonly onPass = (entry: EntryName | "pictures", pass: string, result: StageProgram): void => {
    this.#seen.push({ entry, pass, result });
  };

  /** `ir/NN-<pass>.kir` of the step (of forward in infer mode): the model as read, then a file a pass, which holds the
   * word unchanged where the pass changed nothing. */
  files(model: CompiledModel): Record<string, string> {
    const { name } = mainEntry(model);
    const read = { pass: "graph", result: model.graph as StageProgram };
    let before: string | undefined;
    const files = [read, ...this.#seen.filter((step) => step.entry === name)].map(({ pass, result }, number) => {
      const text = print(result);
      const unchanged = text === before;
      before = text;
      return [`ir/${String(number).padStart(2, "0")}-${pass}.kir`, unchanged ? "unchanged\n" : text] as const;
    });
    return Object.fromEntries(files);
  }
}
