/** `--log FILE.jsonl`: one JSON object a line, each step exactly once, however often the run was interrupted. */
import { appendFileSync, readFileSync } from "node:fs";
import { fileError, writeFileAtomically } from "../../runtime/node/files.ts";
import type { EpochEvent, Progress, StepEvent } from "../../runtime/trainer.ts";
import type { StartEvent } from "./startup.ts";

/** The lines of a log that stay when training goes on from `progress`: what came after it will come again. */
export function linesUpTo(text: string, { step, evaluatedStep }: Pick<Progress, "step" | "evaluatedStep">): string {
  const kept: string[] = [];
  let last = 0;
  for (const line of text.split("\n")) {
    let event: Partial<StartEvent | StepEvent | EpochEvent>;
    try {
      event = JSON.parse(line);
    } catch {
      break; // the end, or a line that was cut off
    }
    if (event.event === "step") last = event.step!;
    const isPast = last > step || (event.event === "epoch" && last === step && evaluatedStep < step);
    if (isPast) break;
    kept.push(`${line}\n`);
  }
  return kept.join("");
}

/** A log being written; a line is on its way to the file when `write` returns. */
export class TrainingLog {
  private constructor(
    readonly path: string,
    /** Lines of the run until now. */
    readonly kept: string,
  ) {}

  /** Starts a log; one that goes on from `progress` keeps the lines up to there. Throws KilnError of kind "file". */
  static async open(path: string, progress: Progress | null): Promise<TrainingLog> {
    let text = "";
    if (progress)
      try {
        text = linesUpTo(readFileSync(path, "utf8"), progress);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw fileError(path, "the log cannot be read", cause);
      }
    await writeFileAtomically(path, text);
    return new TrainingLog(path, text);
  }

  write(event: StartEvent | StepEvent | EpochEvent): void {
    try {
      appendFileSync(this.path, `${JSON.stringify(event)}\n`);
    } catch (cause) {
      throw fileError(this.path, "the log cannot be written", cause);
    }
  }
}
