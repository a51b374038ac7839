/** MiniMalloc's challenge instances, where KILN_MINIMALLOC names their folder; the checker shares nothing with the solver. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseBuffers } from "../../cli/plan/csv.ts";
import { findPlacement } from "../../compiler/plan/findPlacement.ts";

const folder = process.env.KILN_MINIMALLOC ?? "";
const work = Number.POSITIVE_INFINITY;

/** What is wrong with a solved table, read as text alone. */
function problemsOf(csv: string, capacity: number): string[] {
  const [header, ...rows] = csv.trim().split("\n");
  const columns = header.split(",");
  const buffers = rows.map((row) => Object.fromEntries(row.split(",").map((cell, i) => [columns[i], cell])));
  const number = (b: Record<string, string>, column: string) => Number(b[column]);
  return buffers.flatMap((a, i) => {
    const [from, to] = [number(a, "offset"), number(a, "offset") + number(a, "size")];
    const outside = from < 0 || to > capacity ? [`${a.id} lies at [${from}, ${to})`] : [];
    const over = buffers
      .slice(0, i)
      .filter((b) => number(b, "lower") < number(a, "upper") && number(a, "lower") < number(b, "upper"))
      .filter((b) => number(b, "offset") < to && from < number(b, "offset") + number(b, "size"))
      .map((b) => `${a.id} and ${b.id} overlap`);
    return [...outside, ...over];
  });
}

test("the checker sees an overlap, and what lies outside", () => {
  const table = (offset: number) => `id,lower,upper,size,offset\na,0,2,4,0\nb,1,3,4,${offset}\n`;
  expect(problemsOf(table(4), 8)).toEqual([]);
  expect(problemsOf(table(3), 8)).toEqual(["b and a overlap"]);
  expect(problemsOf(table(5), 8)).toEqual(["b lies at [5, 9)"]);
});

describe.skipIf(!existsSync(join(folder, "A.1048576.csv")))("challenge instances within their capacity", () => {
  test.each([..."ABCDEFGHIJK"])("%s", (name) => {
    const file = join(folder, `${name}.1048576.csv`);
    const table = parseBuffers(readFileSync(file, "utf8"), file);
    const { kind, offsets } = findPlacement(table.blocks, 2 ** 20, { work });
    expect(kind).toBe("placed");
    expect(problemsOf(table.withOffsets(offsets), 2 ** 20)).toEqual([]);
  });
});
