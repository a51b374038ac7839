/**
 * The memory planner on MiniMalloc's challenge instances (google/minimalloc, benchmarks/challenging): peak against the
 * lower bound. The folder with the CSV files is the first argument or the environment variable KILN_MINIMALLOC:
 *
 *   npx esbuild bench/minimalloc.ts --bundle --platform=node --format=esm | node --input-type=module - FOLDER
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Block, lowerBound } from "../compiler/plan/liveness.ts";
import { pack } from "../compiler/plan/pack.ts";

const folder = process.argv[2] ?? process.env.KILN_MINIMALLOC;
if (folder) table(folder);
else {
  console.error("Give the folder with MiniMalloc's CSV files, as an argument or as KILN_MINIMALLOC.");
  process.exitCode = 2;
}

function table(folder: string): void {
  console.log("| instance | buffers | lower bound | peak | peak / bound | ms |");
  console.log("|---|---:|---:|---:|---:|---:|");
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith(".csv"))
    .sort()) {
    const blocks = readBlocks(join(folder, file));
    const started = performance.now();
    const { offsets, bytes } = pack(blocks, Number.MAX_SAFE_INTEGER);
    const elapsed = performance.now() - started;
    checkApart(file, blocks, offsets);
    const bound = lowerBound(blocks);
    const cells = [file, blocks.length, bound, bytes, (bytes / bound).toFixed(4), elapsed.toFixed(0)];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

/** Columns id, lower, upper, size; a buffer is live at lower <= t < upper. */
function readBlocks(path: string): Block[] {
  const [header, ...rows] = readFileSync(path, "utf8").trim().split(/\r?\n/);
  const columns = header.split(",");
  const at = (name: string): number => {
    const column = columns.indexOf(name);
    if (column < 0) throw new Error(`${path}: no column is called ${name}`);
    return column;
  };
  const [lower, upper, size] = [at("lower"), at("upper"), at("size")];
  return rows.map((row) => {
    const cells = row.split(",").map(Number);
    return { start: cells[lower], end: cells[upper], size: cells[size] };
  });
}

function checkApart(file: string, blocks: readonly Block[], offsets: readonly number[]): void {
  blocks.forEach((a, i) => {
    blocks.slice(0, i).forEach((b, j) => {
      const together = a.start < b.end && b.start < a.end;
      const overlap = offsets[i] < offsets[j] + b.size && offsets[j] < offsets[i] + a.size;
      if (together && overlap) throw new Error(`${file}: buffers ${j} and ${i} overlap`);
    });
  });
}
