import { describe, expect, it } from "vitest";
import { type Diagnostic, diagnosticsToJson } from "../../compiler/diagnostics/diagnostic.ts";
import { formatDiagnostic, formatDiagnostics, wantsColor } from "../../compiler/diagnostics/format.ts";
import { suggest } from "../../compiler/diagnostics/suggest.ts";

const at = (text: string, line: number, column: number, endLine: number, endColumn: number): Diagnostic => ({
  code: "KILN2003",
  message: "wrong",
  place: { file: "a.ts", line, column, endLine, endColumn, text },
});

describe("the code frame", () => {
  it("underlines a stretch of a line, tabs shown as spaces", () => {
    expect(formatDiagnostic(at("one\n\tx = add(a, b);\n", 2, 6, 2, 15))).toBe(
      "a.ts:2:6 - error KILN2003: wrong\n\n 2 |  x = add(a, b);\n   |      ^^^^^^^^^",
    );
  });

  it("shows the first and the last two lines of a long stretch", () => {
    const text = Array.from({ length: 12 }, (_, i) => `  line${i + 1}`).join("\r\n");
    const frame = formatDiagnostic(at(text, 2, 3, 11, 9))
      .split("\n")
      .slice(2);
    expect(frame.filter((l) => /\d/.test(l)).map((l) => l.trim())).toEqual([
      "2 |   line2",
      "3 |   line3",
      "10 |   line10",
      "11 |   line11",
    ]);
    expect(frame.find((l) => l.includes(".."))).toBe(" .. |");
  });

  it("cuts a long line around the mark", () => {
    const lines = formatDiagnostic(at(`${"a".repeat(500)}bad${"c".repeat(500)}`, 1, 501, 1, 504)).split("\n");
    expect(lines[2].length).toBeLessThan(135);
    expect(lines[2].slice(lines[3].indexOf("^"), lines[3].lastIndexOf("^") + 1)).toBe("bad");
  });

  it("marks the end of a file", () => {
    expect(formatDiagnostic(at("x\n", 2, 1, 2, 1))).toMatch(/ 2 \| \n {3}\| \^$/);
  });

  it("is left out where the text is not known, as is the place where there is none", () => {
    const { code, message } = at("", 1, 1, 1, 1);
    expect(formatDiagnostic({ code, message, place: { file: "a.ts", line: 3, column: 7 }, help: "do this" })).toBe(
      "a.ts:3:7 - error KILN2003: wrong\n\n  help: do this",
    );
    expect(formatDiagnostic({ code, message })).toBe("error KILN2003: wrong");
  });
});

describe("colour", () => {
  it("is used where it is asked for, and changes nothing else", () => {
    const diagnostic = { ...at("add(a)", 1, 1, 1, 4), help: "do this" };
    const colored = formatDiagnostic(diagnostic, { color: true });
    expect(colored).toContain("\u001b[31merror\u001b[0m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(colored.replace(/\u001b\[\d+m/g, "")).toBe(formatDiagnostic(diagnostic));
  });

  it("is wanted on a terminal without NO_COLOR", () => {
    expect(wantsColor({ isTTY: true }, {})).toBe(true);
    expect(wantsColor({ isTTY: true }, { NO_COLOR: "" })).toBe(true);
    expect(wantsColor({ isTTY: true }, { NO_COLOR: "1" })).toBe(false);
    expect(wantsColor({}, {})).toBe(false);
  });
});

it("several are counted", () => {
  const one = at("x", 1, 1, 1, 2);
  expect(formatDiagnostics([one])).toMatch(/\n\n1 error$/);
  expect(formatDiagnostics([one, one])).toMatch(/\n\n2 errors$/);
});

it("as JSON they have five fields", () => {
  const json = diagnosticsToJson([{ ...at("x", 1, 1, 1, 2), help: "do this" }]);
  expect(json).toEqual([{ file: "a.ts", line: 1, column: 1, code: "KILN2003", message: "wrong; do this" }]);
});

it.each([
  ["kernal", ["kernel", "channels"], "kernel"],
  ["chanels", ["kernel", "channels"], "channels"],
  ["conv2D", ["conv2d", "add"], "conv2d"],
  ["stirde", ["stride", "padding"], "stride"],
  ["causal", ["channels", "kernel", "groups"], undefined],
  ["x", ["y", "z"], undefined],
])("%s among %j means %s", (written, candidates, meant) => {
  expect(suggest(written, candidates)).toBe(meant);
});
