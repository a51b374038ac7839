/** A file of text IR: read, and found to hold together. */
import { readFileSync } from "node:fs";
import type { DiagnosticCode } from "../compiler/diagnostics/codes.ts";
import type { Place } from "../compiler/diagnostics/diagnostic.ts";
import type { StageProgram } from "../compiler/ir/stage.ts";
import { fileError } from "../runtime/node/files.ts";
import type { Target } from "../runtime/program/schema.ts";
import { diagnosed } from "./diagnosed.ts";
import { UsageError } from "./errors.ts";
import { describedTarget } from "./targets.ts";

export interface TextFile {
  readonly program: StageProgram;
  /** What it is to be compiled for: what the text names where kernels are scheduled, else what the option says. */
  readonly target: Target;
  /** Where the text first names a tensor, or what it is a part of; the file's beginning where it names neither. */
  readonly placeOf: (tensor: string) => Place;
}

/** `-` is standard input. Throws DiagnosedError where the text cannot be read or the program does not hold together. */
export async function readTextFile(path: string, { target: option }: { target?: string }): Promise<TextFile> {
  const text = readText(path);
  const name = path === "-" ? "stdin" : path;
  const { parse, programProblems, TextError } = await import("../compiler/index.ts");
  const failed = (code: DiagnosticCode, problems: readonly string[], at?: { line: number; column: number }) => {
    const place = at ? { file: name, ...at, text } : { file: name, line: 1, column: 1 };
    return diagnosed(problems.map((message) => ({ code, message, place })));
  };
  let program: StageProgram;
  try {
    program = parse(text);
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    throw await failed("KILN4001", [error.problem], error);
  }
  const target = await targetOf(program, name, option);
  const problems = programProblems(program, { target });
  if (problems.length > 0) throw await failed("KILN4002", problems);
  return { program, target, placeOf: (tensor) => placeIn(text, name, tensor) };
}

/** Passes name what they split off with further parts (`%loss.sum`), which the text of an earlier stage has not. */
function placeIn(text: string, file: string, tensor: string): Place {
  const parts = tensor.split(".");
  for (let count = parts.length; count > 0; count--) {
    const value = `%${parts.slice(0, count).join(".")}`;
    const at = text.search(new RegExp(`${value.replaceAll(/[^\w%]/g, "\\$&")}(?![\\w.])`));
    if (at < 0) continue;
    const before = text.slice(0, at).split("\n");
    const column = before.at(-1)!.length + 1;
    return { file, line: before.length, column, endLine: before.length, endColumn: column + value.length, text };
  }
  return { file, line: 1, column: 1 };
}

/** Kernels are scheduled for a target, which an option can describe, not change. */
async function targetOf(program: StageProgram, name: string, option: string | undefined): Promise<Target> {
  if (!("target" in program)) return describedTarget(option ?? "portable");
  const target = await describedTarget(option ?? program.target);
  if (target.name !== program.target)
    throw new UsageError(`--target ${option}: the kernels in ${name} are scheduled for ${program.target}`);
  return target;
}

function readText(path: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (cause) {
    throw fileError(path, "cannot be read", cause);
  }
}
