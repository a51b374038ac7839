/** Reads logs of `kiln train --log`, for curves. */
import { readFileSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { type Curves, type EpochPoint, emptyCurves } from "../../pages/training/state.ts";
import { fileError } from "../../runtime/node/files.ts";
import { KilnError } from "../../runtime/program/error.ts";
import type { EpochEvent, StepEvent } from "../../runtime/trainer.ts";

export interface ReadLog {
  readonly curves: Curves;
  readonly epochs: EpochPoint[];
  /** What was passed over: "run.jsonl:17: not JSON". */
  readonly problems: readonly string[];
}

/** Reads a log. Lines that are broken are passed over and named. Throws KilnError of kind "file" where it cannot be read,
 * or holds no step. */
export function readLog(path: string): ReadLog {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw fileError(path, "the log cannot be read", cause);
  }
  const log = parseLog(text, path);
  if (log.curves.step.length === 0)
    throw new KilnError(
      "file",
      [
        `${path}: ${text.trim() === "" ? "the log is empty" : "there is no step in it"}; a log of kiln train --log is expected`,
        ...someOf(log.problems),
      ].join("\n"),
    );
  return log;
}

/** Reads a log's text; `path` is for what is said of it. Kinds of events that are not known are left aside. */
export function parseLog(text: string, path: string): ReadLog {
  const curves = emptyCurves();
  const epochs: EpochPoint[] = [];
  const problems: string[] = [];
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const wrong = takeLine(line, curves, epochs);
    if (wrong === null) continue;
    const isCut = i === lines.length - 1 && wrong === notJson;
    problems.push(`${path}:${i + 1}: ${isCut ? "the line is cut off" : wrong}`);
  }
  return { curves, epochs, problems };
}

const notJson = "not a JSON object";

/** Takes a line in; gives what is wrong with it. */
function takeLine(line: string, curves: Curves, epochs: EpochPoint[]): string | null {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return notJson;
  }
  if (typeof event !== "object" || event === null || Array.isArray(event)) return notJson;
  const { event: kind } = event as { event?: unknown };
  if (typeof kind !== "string") return 'it has no "event"';
  if (kind === "step") {
    const fields = ["step", "loss", "movingLoss", "imagesPerSecond"] as const;
    const wrong = wrongField(event, fields);
    if (wrong) return wrong;
    const step = event as StepEvent;
    const last = curves.step.at(-1) ?? 0;
    if (step.step <= last) return `step ${step.step} comes after step ${last}: a log holds one run, each step once`;
    takeStep(curves, step);
  } else if (kind === "epoch") {
    const wrong = wrongField(event, ["epoch", "trainAccuracy", "testAccuracy"]);
    if (wrong) return wrong;
    epochs.push(epochPoint(event as EpochEvent, curves.step.at(-1) ?? 0));
  }
  return null;
}

function wrongField(event: object, fields: readonly string[]): string | null {
  const values = event as Record<string, unknown>;
  const wrong = fields.find((field) => !Number.isFinite(values[field]));
  return wrong === undefined
    ? null
    : `"${wrong}" is ${JSON.stringify(values[wrong]) ?? "missing"}; a number is expected`;
}

/** Adds a step to curves: six significant digits are more than the page shows. */
export function takeStep(curves: Curves, { step, loss, movingLoss, imagesPerSecond }: StepEvent): void {
  curves.step.push(step);
  curves.loss.push(rounded(loss));
  curves.movingLoss.push(rounded(movingLoss));
  curves.imagesPerSecond.push(rounded(imagesPerSecond));
}

const rounded = (value: number): number => Number(value.toPrecision(6));

export const epochPoint = ({ epoch, trainAccuracy, testAccuracy }: EpochEvent, step: number): EpochPoint => ({
  step,
  epoch,
  trainAccuracy,
  testAccuracy,
});

/** The first few of a list of problems, and how many more there are. */
export function someOf(problems: readonly string[]): string[] {
  const shown = problems.slice(0, 5);
  return problems.length > shown.length ? [...shown, `... and ${problems.length - shown.length} more`] : shown;
}

/** Short names for logs, all different: the file's, with as many folders before it as it takes. */
export function runNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => {
    const whole = resolve(path);
    return [...dirname(whole).split(/[\\/]/), basename(whole, ".jsonl")];
  });
  const most = Math.max(0, ...parts.map((p) => p.length));
  for (let length = 1; length < most; length++) {
    const names = parts.map((p) => p.slice(-length).join("/"));
    if (new Set(names).size === names.length) return names;
  }
  return [...paths];
}
