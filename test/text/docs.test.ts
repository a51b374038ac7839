import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readModel } from "../../compiler/frontend/index.ts";
import type { StageProgram } from "../../compiler/ir/stage.ts";
import { parse } from "../../compiler/text/parse.ts";
import { print } from "../../compiler/text/print.ts";

const page = readFileSync(new URL("../../docs/ir.md", import.meta.url), "utf8");
const blocks = (language: string): string[] =>
  [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, l]) => l === language).map(([, , text]) => text);

describe("docs/ir.md", () => {
  const examples = blocks("kir");

  test("has an example a stage", () => {
    expect(examples.map((text) => parse(text).stage)).toEqual(["graph", "joint", "expr", "fused", "kernels", "plan"]);
  });

  test.each(examples)("its examples are as printed: %.20s", (text) => {
    expect(print(parse(text))).toBe(text);
  });

  test("its graph is that of its model", () => {
    const [model] = blocks("ts");
    const { graph } = readModel({ path: "tiny.ts", read: () => model }, { batch: 2 });
    expect(print(graph as StageProgram)).toBe(examples[0]);
  });

  test("its grammar uses no rule that it does not have, and has none that nothing uses", () => {
    const grammar = blocks("ebnf")
      .join("")
      .replace(/"[^"]*"/g, "");
    const rules = new Set([...grammar.matchAll(/^(\w+) +=/gm)].map(([, rule]) => rule));
    const used = new Set(
      [...grammar.matchAll(/(?:^\w+ +=|^ +)(.*)$/gm)].flatMap(([, body]) => body.match(/[a-zA-Z]+/g) ?? []),
    );
    const words = ["letter", "digit", "digits", "path", "letters", "integer", "a", "string", "as", "JSON", "has", "it"];
    expect([...used].filter((name) => !rules.has(name) && !words.includes(name))).toEqual([]);
    expect([...rules].filter((rule) => !used.has(rule))).toEqual(["program", "kernelProgram", "planProgram"]);
  });
});
