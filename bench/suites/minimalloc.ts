/**
 * minimalloc: the search for placements on MiniMalloc's challenge instances (google/minimalloc, benchmarks/challenging),
 * beside the times that its authors publish (img/minimalloc.slides.pdf). KILN_MINIMALLOC names the folder of their files.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseBuffers } from "../../cli/plan/csv.ts";
import { findPlacement } from "../../compiler/plan/findPlacement.ts";
import { type Block, lowerBound } from "../../compiler/plan/liveness.ts";
import type { CompilerSuite } from "../suite.ts";

/** Milliseconds of MiniMalloc, as published; its authors' ILP and TelaMalloc take more than an hour on each instance. */
const published: Readonly<Record<string, number>> = {
  ...{ A: 4910, B: 3661, C: 637, D: 2674, E: 3717, F: 5358, G: 1181, H: 1808, I: 3908, J: 883, K: 628 },
};

interface InstanceFigures {
  readonly instance: string;
  readonly buffers: number;
  readonly capacity: number;
  readonly lowerBound: number;
  /** Null where it was proved that none takes at most the capacity. */
  readonly placed: number | null;
  readonly cpuMs: number;
  readonly publishedMs: number | null;
}

export const minimallocSuite: CompilerSuite = ({ say }) => {
  const folder = process.env.KILN_MINIMALLOC;
  if (!folder) return { skipped: "KILN_MINIMALLOC does not name the folder of MiniMalloc's CSV files." };
  const files = readdirSync(folder).flatMap((name) => {
    const match = /^([A-Z])\.(\d+)\.csv$/.exec(name);
    return match ? [{ name, instance: match[1], capacity: Number(match[2]) }] : [];
  });
  if (files.length === 0)
    throw new Error(`${folder} (KILN_MINIMALLOC) has no instances: files named as A.1048576.csv are expected`);
  const instances = files.map(({ name, instance, capacity }) => {
    const figures = solve(join(folder, name), instance, capacity);
    say(`${instance}: ${figures.placed ?? "no placement"}, ${figures.cpuMs.toFixed(0)} ms`);
    return figures;
  });
  return {
    summary: [
      "Sizes are in the instances' own unit. The search runs on one core until it has a placement within the capacity or " +
        "the proof that there is none; its time is processor time. Every placement was checked: within the capacity, nothing overlaps. What " +
        "MiniMalloc takes was measured by its authors, on another machine.",
    ],
    tables: [
      {
        title: "Challenge instances",
        columns: [
          ...[{ title: "instance" }, { title: "buffers" }, { title: "capacity" }, { title: "lower bound" }],
          ...[{ title: "placed within" }, { title: "processor ms" }, { title: "MiniMalloc, published ms" }],
        ],
        rows: instances.map((i) => [
          ...[i.instance, i.buffers, i.capacity, i.lowerBound, i.placed ?? "impossible", i.cpuMs, i.publishedMs],
        ]),
      },
    ],
    charts: [],
    data: { instances },
  };
};

function solve(file: string, instance: string, capacity: number): InstanceFigures {
  const { blocks } = parseBuffers(readFileSync(file, "utf8"), file);
  const before = process.cpuUsage();
  const { kind, offsets } = findPlacement(blocks, capacity, { work: Number.POSITIVE_INFINITY });
  const { user, system } = process.cpuUsage(before);
  if (kind === "placed") checkPlacement(file, blocks, offsets, capacity);
  return {
    ...{ instance, buffers: blocks.length, capacity, lowerBound: lowerBound(blocks) },
    placed: kind === "placed" ? blocks.reduce((most, { size }, b) => Math.max(most, offsets[b] + size), 0) : null,
    cpuMs: (user + system) / 1000,
    publishedMs: published[instance] ?? null,
  };
}

function checkPlacement(file: string, blocks: readonly Block[], offsets: readonly number[], capacity: number): void {
  blocks.forEach((a, i) => {
    if (!(offsets[i] >= 0 && offsets[i] + a.size <= capacity))
      throw new Error(`${file}: buffer ${i} lies at ${offsets[i]}, outside`);
    blocks.slice(0, i).forEach((b, j) => {
      const together = a.start < b.end && b.start < a.end;
      const overlap = offsets[i] < offsets[j] + b.size && offsets[j] < offsets[i] + a.size;
      if (together && overlap) throw new Error(`${file}: buffers ${j} and ${i} overlap`);
    });
  });
}
