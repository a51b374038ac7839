/**
 * Builds dist/: the bundles that bin/kiln.js and package.json's exports name, and the types of the exports.
 * `node tools/build.js` builds all of it; with `--no-types` the bundles alone, in a fraction of a second.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build as bundle } from "esbuild";
import { licenseComment } from "./licenses.js";

const home = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const out = join(home, "dist");

/** Bundles by name. What several need lies in chunks/, so that a class is one class to all of them. */
const entryPoints = {
  cli: "cli/main.ts",
  compiler: "compiler/index.ts",
  runtime: "runtime/index.ts",
  wasm: "runtime/wasm/index.ts",
  node: "runtime/node/index.ts",
  dsl: "compiler/dsl/index.ts",
  vitest: "cli/golden/vitest.ts",
};

/** Scripts of the pages that the command line writes or serves (pages/), each a file that stands alone. */
const pageScripts = { program: "pages/program.ts", measured: "pages/measured.ts", training: "pages/training.ts" };

/** How everything that Node runs is bundled. */
export const bundling = {
  absWorkingDir: home,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  logLevel: "error",
};

async function bundles() {
  const { metafile } = await bundle({
    ...bundling,
    entryPoints,
    outdir: out,
    chunkNames: "chunks/[name]-[hash]",
    splitting: true,
    metafile: true,
  });
  const made = new Set(Object.keys(metafile.outputs).map((path) => resolve(home, path)));
  for (const name of readdirSync(join(out, "chunks"))) {
    const path = join(out, "chunks", name);
    if (!made.has(path)) rmSync(path);
  }
}

/** A page is passed on by itself, so its script begins with the licences of what is in it. */
async function pages() {
  const { metafile } = await bundle({
    ...bundling,
    entryPoints: pageScripts,
    outdir: join(out, "pages"),
    format: "iife",
    platform: "browser",
    packages: "bundle",
    target: "es2022",
    minify: true,
    legalComments: "none",
    metafile: true,
  });
  for (const [path, output] of Object.entries(metafile.outputs)) {
    const file = resolve(home, path);
    writeFileSync(file, licenseComment(output, home) + readFileSync(file, "utf8"));
  }
}

/** Declarations, by TypeScript itself; what is wrong with a type is an error here as it is in `npm run typecheck`. */
async function declarations() {
  await compileDeclarations();
  // Those that name WebGPU's types bring them along.
  for (const entry of ["runtime/index.d.ts", "runtime/wasm/index.d.ts", "runtime/node/index.d.ts"]) {
    const path = join(out, "types", entry);
    writeFileSync(path, `/// <reference types="@webgpu/types" />\n${readFileSync(path, "utf8")}`);
  }
}

function compileDeclarations() {
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const child = spawn(process.execPath, [tsc, "-p", "tsconfig.types.json"], { cwd: home, stdio: "inherit" });
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (code) => (code === 0 ? done() : failed(new Error("the declarations cannot be written"))));
  });
}

export async function build({ types = true } = {}) {
  await Promise.all([bundles(), pages(), types && declarations()]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await build({ types: !process.argv.includes("--no-types") });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
