import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

test.each([
  { name: "kiln/runtime", entry: "runtime/index.ts", without: "runtime/wasm" },
  { name: "kiln/wasm", entry: "runtime/wasm/index.ts", without: "runtime/webgpu" },
])("$name bundles for a browser: nothing of Node, the compiler or $without, at most 25 KB gzipped", async (bundle) => {
  const { metafile, outputFiles, warnings } = await build({
    entryPoints: [bundle.entry],
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
  for (const input of inputs) {
    expect(input).toMatch(/^runtime\/(?!node\/)/);
    expect(input.startsWith(`${bundle.without}/`), input).toBe(false);
  }
  for (const output of Object.values(metafile.outputs)) expect(output.imports).toEqual([]);
  const text = outputFiles[0].text;
  // The worker's text asks for node:worker_threads where it is not in a tab.
  const ofTabs = text.replace('require("node:worker_threads")', "");
  expect(ofTabs).not.toMatch(/\brequire\(|"node:|\bBuffer\.|\bprocess\./);
  const bytes = gzipSync(text, { level: 9 }).length;
  console.log(`${bundle.name}: ${outputFiles[0].contents.length} bytes, ${bytes} gzipped`);
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
