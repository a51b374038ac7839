/**
 * The schedules worth trying for a contraction on a target. A space says which values each parameter may take; a new
 * parameter of the scheduler is one more line in a space.
 */
import { createHash } from "node:crypto";
import { version } from "../../package.json";
import { type Target, wgslStorageTextures } from "../../runtime/program/schema.ts";
import { type Axis, extentOf } from "../ir/index.ts";
import type { Storage } from "../ir/kernel.ts";
import { vectorsAreLanes } from "../target/kind.ts";
import type { Contraction, Operand } from "./contraction.ts";
import { type PlacedSchedule, toPlaces } from "./identity.ts";
import {
  type ContractionSchedule,
  type DirectSchedule,
  defaultSchedule,
  innerAxisOf,
  isValidSchedule,
  rowAxesOf,
  vectorAlong,
} from "./tile.ts";

/** Of each parameter the values to try; all combinations are meant. */
export type ScheduleSpace = { readonly [P in keyof ContractionSchedule]: readonly ContractionSchedule[P][] };

/** Every space of a contraction on a target. Some of what is in them cannot be built: see `candidates`. */
export function scheduleSpaces(c: Contraction, target: Target): ScheduleSpace[] {
  return vectorsAreLanes(target) ? directSpaces(c, target) : [...broadcastSpaces(c, target), workgroupSpace(c)];
}

/** All schedules of the spaces that can be built, the target's default among them wherever it is. */
export const candidates = (c: Contraction, target: Target): ContractionSchedule[] =>
  scheduleSpaces(c, target)
    .flatMap(combinations)
    .filter((s) => !isRedundant(s) && isValidSchedule(c, s, target));

/**
 * Tells one set of candidates from another: what they are, the default that they are measured against, and the compiler
 * that makes kernels of them. Measurements of another set say nothing about this one.
 */
export function candidateChecksum(c: Contraction, target: Target): string {
  const places = (axes: string) => toPlaces(c, { rowAxes: axes } as unknown as ContractionSchedule).rowAxes;
  const spaces = scheduleSpaces(c, target).map((space) => ({
    ...space,
    rowAxes: space.rowAxes.map(places),
    innerAxis: space.innerAxis.map(places),
  }));
  const { features, limits, subgroupSize } = target;
  const standard = toPlaces(c, defaultSchedule(c, target));
  const text = JSON.stringify([version, spaces, standard, [...features].sort(), limits, subgroupSize]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** Equal for schedules with equal parameters, in whatever order they were written. */
export const scheduleKey = (s: PlacedSchedule): string =>
  Object.keys(s)
    .sort()
    .map((parameter) => `${parameter}=${s[parameter]}`)
    .join(" ");

/** In how many parameters two schedules differ. */
export const distance = (a: PlacedSchedule, b: PlacedSchedule): number =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((parameter) => a[parameter] !== b[parameter]).length;

function combinations(space: ScheduleSpace): ContractionSchedule[] {
  let made: Record<string, string | number | boolean>[] = [{}];
  for (const [parameter, values] of Object.entries(space))
    made = made.flatMap((one) => values.map((value) => ({ ...one, [parameter]: value })));
  return made as unknown as ContractionSchedule[];
}

/** A kernel ignores a block of rows that does not divide its tile, and workgroup memory knows none: the same kernel is
 * another candidate already. */
const isRedundant = (s: ContractionSchedule): boolean =>
  s.transport === "broadcast" ? s.tileRows % s.rowBlock !== 0 : s.rowBlock !== s.tileRows;

// ---------------------------------------------------------------- tiles of one subgroup

const heights = [4, 8, 12, 16, 24, 32, 48, 64];
const tallest = 64;
const unrolls = [1, 2, 3, 4, 6, 8, 12, 16];
/** The usual one first: of equals in cost the first is measured. */
const rowBlocks = [4, 3, 2, 6, 8, 1];

function broadcastSpaces(c: Contraction, target: Target): ScheduleSpace[] {
  const { subgroupSize } = target;
  if (subgroupSize === null) return [];
  return innerAxes(c).flatMap((inner) =>
    rowChoices(c, inner).map((rows): ScheduleSpace => {
      const tileRows = heightsFor(extentOf(rows));
      const storages = (operand: Operand, tile: readonly Axis[]): Storage[] =>
        target.features.includes(wgslStorageTextures) && vectorAlong(operand, inner, tile) !== "none"
          ? ["buffer", "texture"]
          : ["buffer"];
      return {
        kind: ["contraction"],
        transport: ["broadcast"],
        tileRows,
        tileColumns: [4],
        unroll: [...new Set([...unrolls.filter((u) => u <= inner.extent), ...divisors(inner.extent, 16)])],
        rowBlock: [...new Set([...rowBlocks, ...tileRows.filter((h) => h <= 12)])],
        threadRows: [1],
        threadColumns: [subgroupSize],
        serialRows: [true, false],
        storageA: storages(c.a, rows),
        storageB: storages(c.b, c.columns),
        rowAxes: [rows.map((x) => x.name).join(",")],
        innerAxis: [inner.name],
      };
    }),
  );
}

const divisors = (n: number, most: number): number[] =>
  Array.from({ length: most }, (_, i) => i + 1).filter((d) => n % d === 0);

/** Inner axes that a turn can run along. */
function innerAxes(c: Contraction): Axis[] {
  const real = c.inner.filter((k) => k.extent > 1);
  return real.length > 0 ? real : [innerAxisOf(c)];
}

/** Which axes the rows of a tile may run along: each alone, neighbours together, all. */
function rowChoices(c: Contraction, inner: Axis): (readonly Axis[])[] {
  const real = c.rows.filter((x) => x.extent > 1);
  const runs = real.flatMap((_, from) => real.slice(from).map((_, n) => real.slice(from, from + n + 1)));
  const choices = [rowAxesOf(c, inner, tallest / 2), ...runs.filter((axes) => extentOf(axes) >= 4)];
  return [...new Map(choices.map((axes) => [axes.map((x) => x.name).join(), axes])).values()];
}

/** Round heights, and those that cut this many rows into even parts. */
function heightsFor(extent: number): number[] {
  const inFours = (rows: number) => Math.ceil(rows / 4) * 4;
  const first = Math.ceil(extent / tallest);
  const even = [0, 1, 2].map((n) => Math.ceil(extent / (first + n)));
  const all = [...heights.filter((h) => h < inFours(extent)), ...even, ...even.map(inFours)];
  return [...new Set(all.filter((h) => h <= tallest))].sort((a, b) => a - b);
}

// ---------------------------------------------------------------- tiles of one invocation

/** Accumulators of a tile: sixteen vector registers hold some twelve, a few more are spilled and may pay all the same. */
const mostAccumulators = 20;

function directSpaces(c: Contraction, target: Target): ScheduleSpace[] {
  const standard = defaultSchedule(c, target) as DirectSchedule;
  return innerAxes(c).flatMap((inner) =>
    rowChoices(c, inner).flatMap((rows) =>
      [4, 8, 12, 16].map((tileColumns): ScheduleSpace => {
        const tileRows = [1, 2, 3, 4, 5, 6, 8, 10, 12].filter((h) => h * tileColumns <= 4 * mostAccumulators);
        const others = extentOf(c.rows.filter((x) => !rows.includes(x)));
        const tiles = Math.ceil(extentOf(rows) / 4) * others;
        return {
          kind: ["contraction"],
          transport: ["direct"],
          tileRows,
          tileColumns: [tileColumns],
          unroll: [...new Set([standard.unroll, ...[1, 2, 3, 4, 6, 8].filter((u) => u <= inner.extent)])],
          rowBlock: tileRows,
          threadRows: [1],
          threadColumns: [1],
          serialRows: [false],
          storageA: ["buffer"],
          storageB: ["buffer"],
          rowTiles: [...new Set([standard.rowTiles, ...[1, 4, 8, 16, 32, 64].filter((n) => n <= tiles)])],
          packed: [true, false],
          rowAxes: [rows.map((x) => x.name).join(",")],
          innerAxis: [inner.name],
        };
      }),
    ),
  );
}

// ---------------------------------------------------------------- tiles that meet in workgroup memory

function workgroupSpace(c: Contraction): ScheduleSpace {
  return {
    kind: ["contraction"],
    transport: ["workgroup"],
    tileRows: [2, 4, 8],
    tileColumns: [4],
    unroll: [4, 8, 16, 32],
    rowBlock: [2, 4, 8],
    threadRows: [4, 8, 16],
    threadColumns: [4, 8, 16, 32],
    serialRows: [false],
    storageA: ["buffer"],
    storageB: ["buffer"],
    rowAxes: [c.rows.map((x) => x.name).join(",")],
    innerAxis: ["all"],
  };
}
