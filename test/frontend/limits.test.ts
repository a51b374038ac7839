/** Files that would take for ever, or that try to break the reader: an answer in a fraction of a second. */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDiagnostics } from "../../compiler/diagnostics/format.ts";
import { body, readText, root } from "./read.ts";

/** Half of what "well under a second" allows on an idle machine, times what a busy one needs. */
const patience = 3000;

const codes = (statements: string, before = "") => {
  const start = performance.now();
  const { diagnostics } = readText(body(`${statements}\nreturn x;`, before));
  expect(performance.now() - start).toBeLessThan(patience);
  return diagnostics.map((d) => `${d.place?.line} ${d.code}`);
};

describe("evaluation is given up", () => {
  it.each([
    ["a loop to 1e9", "for (let i = 0; i < 1e9; i++) {}", ["4 KILN1008"]],
    ["loops in loops", "for (let i = 0; i < 1e5; i++)\n for (let j = 0; j < 1e5; j++) x = x;", ["5 KILN1008"]],
    ["a loop that does not count", "for (let i = 0; i < 3; ) x = relu(x);", ["4 KILN1008"]],
    ["a growing array", "let a = [1]; for (let i = 0; i < 60; i++) a = [...a, ...a];", ["4 KILN1008"]],
    ["a growing string", "let s = 'a'; for (let i = 0; i < 60; i++) s = s + s;", ["4 KILN1008"]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a model file's
    ["a growing template", "let s = 'a'; for (let i = 0; i < 60; i++) s = `${s}${s}`;", ["4 KILN1008"]],
    ["nested arrays", "let a: any = [1]; for (let i = 0; i < 60; i++) a = [a, a]; x = relu(a);", ["4 KILN2006"]],
    ["recursion", "const f = (n: number): number => f(n + 1); f(0);", ["4 KILN1007"]],
    ["branching recursion", "const f = (n: number): number => f(n + 1) + f(n + 2); f(0);", ["4 KILN1007"]],
    ["slow recursion", "const f = (n: number): number => (n < 1 ? 1 : f(n - 1) + f(n - 1)); f(60);", ["4 KILN1008"]],
  ])("%s", (_, statements, expected) => {
    expect(codes(statements)).toEqual(expected);
  });

  it("and the rest of the file is still read", () => {
    expect(
      codes("let n = 1;\nfor (let i = 0; i < 1e9; i++) n = i;\nx = conv2d(x, { channels: n, kernle: 1 });"),
    ).toEqual(["5 KILN1008", "6 KILN2002"]);
  });
});

it("nesting that the stack cannot hold is a diagnostic", () => {
  expect(readText("(".repeat(50_000)).diagnostics.map((d) => d.code)).toEqual(["KILN1008"]);
  expect(readText(body(`return ${"relu(".repeat(5_000)}x${")".repeat(5_000)};`)).diagnostics.length).toBe(1);
});

it("a file that is not there, is empty, or has no model is a diagnostic", () => {
  expect(readText(undefined as unknown as string).diagnostics[0]).toMatchObject({ code: "KILN1004" });
  expect(readText("").diagnostics.map((d) => d.code)).toEqual(["KILN1009"]);
  expect(readText("export default 3;").diagnostics.map((d) => d.code)).toEqual(["KILN1009"]);
});

it("no file makes the reader throw, and every diagnostic has its place in it", () => {
  const folder = `${root}test/reference/`;
  const texts = readdirSync(folder)
    .filter((f) => f.endsWith(".ts"))
    .map((f) => readFileSync(folder + f, "utf8"));
  const tokens = texts.map((text) => text.match(/\w+|\s+|=>|\.\.\.|[^\w\s]/g) ?? []);
  const edit = fc.record({ at: fc.nat(), kind: fc.constantFrom("drop", "twice", "swap", "foreign"), from: fc.nat() });
  fc.assert(
    fc.property(fc.nat(tokens.length - 1), fc.array(edit, { minLength: 1, maxLength: 4 }), (file, edits) => {
      const changed = [...tokens[file]];
      for (const { at, kind, from } of edits) {
        const i = at % changed.length;
        const other = kind === "foreign" ? tokens[from % tokens.length] : changed;
        const token = other[from % other.length];
        if (kind === "drop") changed.splice(i, 1);
        else if (kind === "twice") changed.splice(i, 0, changed[i]);
        else changed[i] = token;
      }
      const text = changed.join("");
      const { graph, diagnostics } = readText(text, { batch: 2 });
      expect(graph === undefined).toBe(diagnostics.length > 0);
      const lines = text.split("\n");
      for (const { place } of diagnostics) {
        expect(place!.line).toBeLessThanOrEqual(lines.length);
        expect(place!.column).toBeLessThanOrEqual(lines[place!.line - 1].length + 1);
      }
      expect(formatDiagnostics(diagnostics)).toMatch(/errors?$/);
    }),
    { numRuns: 300 },
  );
});
