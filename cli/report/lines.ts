/** Texts of a report: passes change little of what they are given, so each line is kept once. */
import type { LineRange, Runs } from "./data.ts";

/** Numbers lines, and gives texts as runs of them. */
export class LineTable {
  readonly lines: string[] = [];
  readonly #numbers = new Map<string, number>();

  add(text: string): Runs {
    const runs: number[] = [];
    for (const line of linesOf(text)) {
      let number = this.#numbers.get(line);
      if (number === undefined) {
        number = this.lines.push(line) - 1;
        this.#numbers.set(line, number);
      }
      const last = runs.length - 2;
      if (last >= 0 && number === runs[last] + runs[last + 1]) runs[last + 1]++;
      else runs.push(number, 1);
    }
    return runs;
  }
}

const linesOf = (text: string): string[] => text.replace(/\n$/, "").split("\n");

/**
 * Where the parts of a printed program stand: each begins in the first column with `head` and goes on over lines that are
 * indented, closed by a brace or not. Throws where there are not `count` of them, which is a fault of the printer's reader.
 */
export function partsOf(text: string, head: string, count: number): LineRange[] {
  const lines = linesOf(text);
  const parts: LineRange[] = [];
  for (let i = 0; i < lines.length; i++) {
    if (!lines[i].startsWith(head)) continue;
    const from = i;
    while (i + 1 < lines.length && (/^[ }]/.test(lines[i + 1]) || (lines[i + 1] === "" && isInside(lines, i + 2)))) i++;
    parts.push([from, i + 1]);
  }
  if (parts.length !== count)
    throw new Error(`${count} parts that begin with ${head} were printed, ${parts.length} found`);
  return parts;
}

const isInside = (lines: readonly string[], next: number): boolean => lines[next]?.startsWith(" ") ?? false;
