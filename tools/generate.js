/**
 * Writes what follows from the op files: compiler/ops/registry.ts, compiler/dsl/index.ts, docs/ops.md.
 * `node tools/generate.js` writes; with `--check` it only says what is out of date, and exits with 1.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { registryText } from "./generate-registry.js";

const home = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");

const formatted = (path, text) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [biome, "format", `--stdin-file-path=${path}`], {
    cwd: home,
    input: text,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${path} cannot be formatted: ${stderr}`);
  return stdout;
};

const write = (path, text) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
};

/** Loads a TypeScript module of the tree at `root`, which reads that tree's registry. */
const load = async (root, path) => {
  const folder = mkdtempSync(join(tmpdir(), "kiln-generate-"));
  try {
    const outfile = join(folder, "module.mjs");
    await build({ entryPoints: [join(root, path)], bundle: true, format: "esm", platform: "node", outfile });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** Paths of generated files that are out of date in the tree at `root`; brings them up to date unless `check`. */
export const generate = async (root, { check = false } = {}) => {
  const stale = [];
  const update = (path, text) => {
    const whole = path.endsWith(".ts") ? formatted(path, text) : text;
    let old;
    try {
      old = readFileSync(join(root, path), "utf8");
    } catch {
      old = undefined;
    }
    if (old === whole) return;
    stale.push(path);
    if (!check) write(join(root, path), whole);
  };
  update("compiler/ops/registry.ts", registryText(join(root, "compiler/ops")));
  update("compiler/dsl/index.ts", (await load(root, "tools/generate-dsl.ts")).dslText());
  update("docs/ops.md", (await load(root, "tools/generate-ops-reference.ts")).opsReferenceText());
  return stale;
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes("--check");
  const stale = await generate(home, { check });
  for (const path of stale) console.log(`${path}: ${check ? 'out of date; run "npm run generate"' : "written"}`);
  if (check && stale.length > 0) process.exitCode = 1;
}
