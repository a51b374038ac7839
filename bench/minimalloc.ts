/**
 * The search for placements on MiniMalloc's challenge instances (google/minimalloc, benchmarks/challenging), beside the
 * times that its authors publish (img/minimalloc.slides.pdf). The folder with the CSV files is the first argument or the
 * environment variable KILN_MINIMALLOC:
 *
 *   npx esbuild bench/minimalloc.ts --bundle --platform=node --format=esm | node --input-type=module - FOLDER
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseBuffers } from "../cli/plan/csv.ts";
import { findPlacement } from "../compiler/plan/findPlacement.ts";
import { type Block, lowerBound } from "../compiler/plan/liveness.ts";

/** Milliseconds of MiniMalloc, as published; its authors' ILP and TelaMalloc take more than an hour on each instance. */
const published: Readonly<Record<string, number>> = {
  ...{ A: 4910, B: 3661, C: 637, D: 2674, E: 3717, F: 5358, G: 1181, H: 1808, I: 3908, J: 883, K: 628 },
};

const folder = process.argv[2] ?? process.env.KILN_MINIMALLOC;
if (folder) table(folder);
else {
  console.error("Give the folder with MiniMalloc's CSV files, as an argument or as KILN_MINIMALLOC.");
  process.exitCode = 2;
}

function table(folder: string): void {
  console.log("| instance | buffers | capacity | lower bound | found | processor ms | MiniMalloc, published ms |");
  console.log("|---|---:|---:|---:|---:|---:|---:|");
  const files = readdirSync(folder).flatMap((name) => /^([A-Z])\.(\d+)\.csv$/.exec(name) ?? []);
  for (let i = 0; i < files.length; i += 3) {
    const [file, instance, capacity] = files.slice(i, i + 3);
    const { blocks } = parseBuffers(readFileSync(join(folder, file), "utf8"), file);
    const before = process.cpuUsage();
    const { kind, offsets } = findPlacement(blocks, Number(capacity), { work: Number.POSITIVE_INFINITY });
    const { user, system } = process.cpuUsage(before);
    if (kind === "placed") checkApart(file, blocks, offsets);
    const peak = offsets.reduce((most, offset, b) => Math.max(most, offset + blocks[b].size), 0);
    const ms = ((user + system) / 1000).toFixed(0);
    const cells = [instance, blocks.length, capacity, lowerBound(blocks), kind === "placed" ? peak : kind, ms];
    console.log(`| ${[...cells, published[instance] ?? ""].join(" | ")} |`);
  }
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
