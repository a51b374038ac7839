/** The examples that op files give of themselves hold, and what is generated from op files is up to date. */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { TensorType } from "../../compiler/ir/types.ts";
import { OpError } from "../../compiler/ops/define.ts";
import { exampleTypes, parseExample } from "../../compiler/ops/example.ts";
import { ops } from "../../compiler/ops/registry.ts";
import { fillOptions, inferTypes } from "../../compiler/ops/shapeRule.ts";
// @ts-expect-error a script of the build, in JavaScript
import { generate } from "../../tools/generate.js";

const called = [...ops.values()].filter((d) => !d.inner);

const outcome = (text: string): readonly number[] | OpError => {
  const example = parseExample(text);
  const definition = ops.get(example.op)!;
  try {
    const types = inferTypes(definition, exampleTypes(example), fillOptions(definition, example.options));
    return (Object.values(types)[0] as TensorType).shape;
  } catch (error) {
    if (error instanceof OpError) return error;
    throw error;
  }
};

describe.each(called)("$name", (definition) => {
  test("has a good example", () => {
    expect(definition.good.length).toBeGreaterThan(0);
  });
  test.each(definition.good)("%s", (text) => {
    const example = parseExample(text);
    expect(example.op).toBe(definition.name);
    expect(outcome(text)).toEqual(example.result);
  });
  test.each(definition.bad)("%s", (text) => {
    const example = parseExample(text);
    expect(example.op).toBe(definition.name);
    const error = outcome(text) as OpError;
    expect(error).toBeInstanceOf(OpError);
    expect(error.code).toBe(example.result);
    // The message says which op it is, and what is wrong with which numbers.
    expect(error.message).toMatch(new RegExp(`^${definition.name}: .*\\d`));
  });
  test("documents its options", () => {
    for (const spec of Object.values(definition.options)) expect(spec.doc).not.toBe("");
    expect(definition.summary).toMatch(/\.$/);
  });
});

test("what a wrong use is told", () => {
  const bad = called.flatMap((d) => d.bad);
  const told = bad.map((text) => {
    const error = outcome(text) as OpError;
    return `${text}\n  ${error.message}\n  ${error.help ?? ""}`;
  });
  expect(told.join("\n")).toMatchSnapshot();
});

test("a registry entry for every op file", () => {
  const folder = new URL("../../compiler/ops/", import.meta.url);
  const helpers = ["axis.ts", "define.ts", "example.ts", "registry.ts", "shapeRule.ts", "window.ts"];
  const files = readdirSync(folder).filter((file) => !helpers.includes(file));
  for (const file of files) expect(ops.has(file.replace(/\.ts$/, "")), file).toBe(true);
});

test("generated files are up to date", { timeout: 60_000 }, async () => {
  const root = new URL("../..", import.meta.url).pathname;
  expect(await generate(root, { check: true })).toEqual([]);
});
