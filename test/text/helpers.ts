import { expect } from "vitest";
import type { StageProgram } from "../../compiler/ir/stage.ts";
import { parse } from "../../compiler/text/parse.ts";
import { print } from "../../compiler/text/print.ts";

/** The text without the indentation that its lines have in common: IR written inside a test. */
export function dedent(text: string): string {
  const lines = text
    .replace(/^[ \t]*\n/, "")
    .trimEnd()
    .split("\n");
  const filled = lines.filter((line) => line.trim() !== "");
  const indent = Math.min(...filled.map((line) => line.length - line.trimStart().length));
  return `${lines.map((line) => line.slice(indent)).join("\n")}\n`;
}

/** The program that IR written inside a test is. */
export const program = <P extends StageProgram>(text: string): P => parse(dedent(text)) as P;

/**
 * The whole program is what `expected` says: same names, order, types, locations. Spacing and comments in `expected`
 * count for nothing, since it is parsed and printed first.
 */
export function expectText(actual: StageProgram, expected: string): void {
  expect(print(actual)).toBe(print(program(expected)));
}

/** The program prints, parses back, and prints the same. Gives the text. */
export function expectRoundTrip(actual: StageProgram): string {
  const text = print(actual);
  expect(print(parse(text))).toBe(text);
  return text;
}
