/** Does what docs/adding-an-op.md says, in a copy of the compiler: one file, then generate. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
// @ts-expect-error a script of the build, in JavaScript
import { generate } from "../../tools/generate.js";

const root = new URL("../..", import.meta.url).pathname;
const copy = mkdtempSync(join(tmpdir(), "kiln-op-"));

const modelFile = `import { image, leakyRelu, model } from "kiln";
export default model({ input: image(1, 2, 2) }, (x) => leakyRelu(x, { slope: 0.25 }));
`;

/** Reads the model file, differentiates and evaluates it: [output, gradient of the image]. */
const script = `
import { readModel } from "./compiler/frontend/index.ts";
import { buildEntries } from "./compiler/passes/entries.ts";
import { lower } from "./compiler/passes/lower.ts";
import { evaluate } from "./compiler/reference/evaluate.ts";

export const run = (text, input, cotangent) => {
  const { graph, diagnostics } = readModel({ path: "m.ts", read: (path) => (path === "m.ts" ? text : undefined) }, { batch: 1 });
  if (!graph) return diagnostics.map((d) => d.code + " " + d.message);
  const program = lower(buildEntries(graph, { velocity: false }).gradientsFromCotangent);
  const given = { input, cotangent };
  const values = evaluate(program, new Map(program.inputs.map((i) => [i.value, Float64Array.from(given[i.kind])])));
  return program.outputs.map((o) => [...values.get(o.value)]);
};
`;

beforeAll(async () => {
  for (const folder of ["compiler", "runtime/program", "tools"])
    cpSync(join(root, folder), join(copy, folder), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  mkdirSync(join(copy, "docs"));
  const page = readFileSync(join(root, "docs/adding-an-op.md"), "utf8");
  const [, op] = /```ts\n([\s\S]*?)```/.exec(page)!;
  writeFileSync(join(copy, "compiler/ops/leakyRelu.ts"), op);
  writeFileSync(join(copy, "script.ts"), script);
}, 60_000);

afterAll(() => rmSync(copy, { recursive: true }));

test("one file and `npm run generate` make an op", { timeout: 60_000 }, async () => {
  const written = await generate(copy);
  expect(written).toEqual(["compiler/ops/registry.ts", "compiler/dsl/index.ts", "docs/ops.md"]);
  const dsl = readFileSync(join(copy, "compiler/dsl/index.ts"), "utf8");
  expect(dsl).toContain("export const leakyRelu: (x: Tensor, options?: LeakyReluOptions) => Tensor");
  expect(readFileSync(join(copy, "docs/ops.md"), "utf8")).toContain("## leakyRelu");

  const outfile = join(copy, "script.mjs");
  await build({
    entryPoints: [join(copy, "script.ts")],
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    outfile,
  });
  const { run } = await import(pathToFileURL(outfile).href);
  const [output, gradient] = run(modelFile, [1, -2, 0, 4], [1, 2, 3, 4]);
  expect(output).toEqual([1, -0.5, 0, 4]);
  expect(gradient).toEqual([1, 0.5, 0.75, 4]);
  const [diagnostic] = run(modelFile.replace("slope: 0.25", "slop: 0.25"), [], []);
  expect(diagnostic).toMatch(/^KILN2002 .*slop/);
});
