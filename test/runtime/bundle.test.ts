import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

test("kiln/runtime bundles for a browser: nothing of Node, nothing of the compiler, at most 25 KB gzipped", async () => {
  const { metafile, outputFiles, warnings } = await build({
    entryPoints: ["runtime/index.ts"],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    metafile: true,
    write: false,
  });
  expect(warnings).toEqual([]);
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.length).toBeGreaterThan(15);
  for (const input of inputs) expect(input).toMatch(/^runtime\/(?!node\/)/);
  for (const output of Object.values(metafile.outputs)) expect(output.imports).toEqual([]);
  const text = outputFiles[0].text;
  expect(text).not.toMatch(/\brequire\(|"node:|\bBuffer\.|\bprocess\./);
  const bytes = gzipSync(text, { level: 9 }).length;
  console.log(`kiln/runtime: ${outputFiles[0].contents.length} bytes, ${bytes} gzipped`);
  expect(bytes).toBeLessThanOrEqual(25 * 1024);
});

test("runtime/program imports nothing from outside of itself", async () => {
  const { metafile } = await build({
    entryPoints: ["runtime/program/parse.ts", "runtime/program/safetensors.ts", "runtime/program/initialize.ts"],
    bundle: true,
    metafile: true,
    write: false,
    outdir: "unused",
  });
  for (const input of Object.keys(metafile.inputs)) expect(input).toMatch(/^runtime\/program\//);
});
