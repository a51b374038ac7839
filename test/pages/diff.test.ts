/** The comparison of passes: from what it shows, both texts can be put together again. */
import { describe, expect, test } from "vitest";
import { type Difference, difference } from "../../pages/program/diff.ts";

const lines = (text: string): string[] => text.trim().split("\n");

const before = lines(`
head
%a = 1
%b = sum
  of %a
%c = 3
kernel x {
  load
  store
}
kernel y {
  barrier
}`);

const shown = ({ entries }: Difference, side: "before" | "after") =>
  entries.flatMap((entry) => (entry.kind !== "moved" && entry[side] !== null ? [[entry[side], entry.text]] : []));
const numbered = (text: readonly string[]) => text.map((line, i) => [i + 1, line]);

describe("difference", () => {
  test("of a text to itself is all the same", () => {
    const found = difference(before, before);
    expect(found).toMatchObject({ removed: 0, added: 0, moved: 0 });
    expect(shown(found, "after")).toEqual(numbered(before));
  });

  test("shows changed lines inside their part, and numbers both texts", () => {
    const after = before.map((line) => (line === "  of %a" ? "  of %z" : line)).filter((line) => line !== "%c = 3");
    const found = difference(before, after);
    expect(found).toMatchObject({ removed: 2, added: 1, moved: 0 });
    expect(shown(found, "before")).toEqual(numbered(before));
    expect(shown(found, "after")).toEqual(numbered(after));
  });

  test("says of a part that stands elsewhere that it moved", () => {
    const x = before.slice(5, 9);
    const after = [...before.slice(0, 5), ...before.slice(9), ...x];
    const found = difference(before, after);
    expect(found).toMatchObject({ removed: 0, added: 0, moved: 1 });
    const moves = found.entries.filter(({ kind }) => kind === "moved");
    expect(moves.map((move) => move.kind === "moved" && move.count)).toEqual([4, 4]);
  });

  test("keeps an added part apart from a removed one of another name", () => {
    const found = difference(lines("%a = 1"), lines("%b = 1"));
    expect(found).toMatchObject({ removed: 1, added: 1 });
  });
});
