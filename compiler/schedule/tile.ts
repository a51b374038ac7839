/** The parameters of a contraction's tile, as data, and the choices that follow from the operands' addresses. */

import type { Target } from "../../runtime/program/schema.ts";
import { wgslStorageTextures } from "../../runtime/program/schema.ts";
import { fitsTexture } from "../../runtime/program/texture.ts";
import { type Axis, extentOf } from "../ir/index.ts";
import type { Storage } from "../ir/kernel.ts";
import { bytesPerElement, elementCount, type Value } from "../ir/types.ts";
import { isSoftware } from "../target/kind.ts";
import type { Contraction, Operand } from "./contraction.ts";
import { isVectorAddress } from "./scalars.ts";

/** How the row operand gets to the lanes that need it. */
export type Transport = "broadcast" | "workgroup" | "direct";

export interface ContractionSchedule {
  readonly kind: "contraction";
  readonly transport: Transport;
  /** Rows of the register tile of an invocation. */
  readonly tileRows: number;
  /** Columns of the register tile: neighbours in memory, by fours. */
  readonly tileColumns: number;
  /** Steps of the inner axis per turn of its loop. */
  readonly unroll: number;
  /** Rows whose accumulators are used for all unrolled steps before the next rows'. */
  readonly rowBlock: number;
  /** Invocations along rows and along columns (broadcast: 1 and the subgroup). */
  readonly threadRows: number;
  readonly threadColumns: number;
  /** Finished rows are stored in a loop rather than unrolled. */
  readonly serialRows: boolean;
  /** Where the row operand and the column operand are read from. */
  readonly storageA: Storage;
  readonly storageB: Storage;
  /** Names of the axes whose flat number the tile's rows run along. */
  readonly rowAxes: string;
  readonly innerAxis: string;
  readonly [parameter: string]: string | number | boolean;
}

/** A tile of one invocation that reads its operands without the help of others. */
export interface DirectSchedule extends ContractionSchedule {
  readonly transport: "direct";
  /** Row tiles of a workgroup. */
  readonly rowTiles: number;
  /** The column operand is copied to where it lies side by side first. */
  readonly packed: boolean;
}

/** The parameters whose values are names of the contraction's axes, several with commas between. */
export const axisParameters: readonly string[] = ["rowAxes", "innerAxis"];

/** The operand's elements side by side in memory: four steps of the inner axis, four rows or columns, or neither. */
export type VectorAlong = "inner" | "tile" | "none";

export function vectorAlong(operand: Contraction["a"], inner: Axis | undefined, tile: readonly Axis[]): VectorAlong {
  const { address, read } = operand;
  const size = read.tensor.type.shape.reduce((x, y) => x * y, 1);
  if (size % 4 !== 0) return "none";
  const last = tile.at(-1);
  const guarded = (axis: Axis) => read.guard.some((c) => c.index.coefficientOf(axis) !== 0);
  if (last && tile.length === 1 && isVectorAddress(address, last) && !guarded(last)) return "tile";
  if (inner && isVectorAddress(address, inner) && !guarded(inner)) return "inner";
  return "none";
}

/** The inner axis to unroll: the one that either operand has side by side in memory, else the last. */
export function innerAxisOf(c: Contraction): Axis {
  const along = (o: Contraction["a"]) =>
    c.inner.find((k) => k.extent >= 4 && o.address.coefficientOf(k) === 1 && isVectorAddress(o.address, k));
  return along(c.a) ?? along(c.b) ?? c.inner.findLast((k) => k.extent > 1) ?? c.inner.at(-1)!;
}

/**
 * The axes that the tile's rows run along. Side by side in memory if they can be; free of guards if that leaves enough
 * rows, since guards are then the same for a whole tile and stay out of the inner loop; else all of them.
 */
export function rowAxesOf(c: Contraction, inner: Axis, target: number): readonly Axis[] {
  const real = c.rows.filter((x) => x.extent > 1);
  const vector = real.find((x) => x.extent >= 8 && vectorAlong(c.a, undefined, [x]) === "tile");
  if (vector && vectorAlong(c.a, inner, []) !== "inner") return [vector];
  const free = real.filter((x) => c.a.read.guard.every((g) => g.index.coefficientOf(x) === 0));
  if (free.length < real.length && extentOf(free) >= target / 2) return free;
  return real;
}

/** Relative worth of a register tile of so many rows by four columns: notes on measured rates in docs/performance.md. */
const worth: readonly (readonly [rows: number, worth: number])[] = [
  [48, 1],
  [32, 1],
  [24, 0.93],
  [16, 0.8],
  [12, 0.7],
  [8, 0.6],
  [4, 0.4],
];

/** The tile height that wastes least for its worth; a short axis is taken whole. */
export function chooseRows(extent: number, most: number): number {
  const whole = Math.ceil(extent / 4) * 4;
  if (whole <= most && whole <= 48) return whole;
  let best = 4;
  let bestScore = 0;
  for (const [rows, value] of worth) {
    if (rows > most) continue;
    const score = (value * extent) / (Math.ceil(extent / rows) * rows);
    if (score > bestScore) [best, bestScore] = [rows, score];
  }
  return best;
}

const divides = (extent: number, candidates: readonly number[]): number =>
  candidates.find((u) => extent % u === 0) ?? candidates[0];

/**
 * Fewer multiply-adds than this run faster than a software driver compiles a long loop body: a second or two for the
 * largest tile and unroll on lavapipe, a fifth of that for these.
 */
const leastWorthCompiling = 2 ** 20;

/** Tile height and unroll that make a short loop body. */
function briefTile(c: Contraction, inner: Axis, rows: readonly Axis[]): { tileRows: number; unroll: number } {
  const inFours = [vectorAlong(c.a, inner, rows), vectorAlong(c.b, inner, c.columns)].includes("inner");
  return { tileRows: chooseRows(extentOf(rows), 16), unroll: inFours ? Math.min(4, inner.extent) : 1 };
}

/** An operand loaded less often than this, each element on average, does not pay its copy into a texture. */
const leastLoads = 2;

/**
 * The tile with operands in textures where that is right by default: of those that may be in one and are loaded often
 * enough, the choice that saves most loads with at most `textureBytes` of textures.
 */
function withTextures(
  c: Contraction,
  tile: ContractionSchedule,
  target: Target,
  textureBytes: number,
): ContractionSchedule {
  // SwiftShader reads textures more slowly than buffers, and a GPU both alike: docs/performance.md.
  if (target.class !== "lavapipe") return tile;
  const products = extentOf([...c.batch, ...c.rows, ...c.columns, ...c.inner]);
  const a = {
    storageA: "texture",
    elements: operandElements(c.a),
    loads: products / (4 * tile.threadColumns),
  } as const;
  const b = { storageB: "texture", elements: operandElements(c.b), loads: products / tile.tileRows } as const;
  const choices = [[a], [b], [a, b]].map((some) => {
    const { elements, loads, ...storages } = Object.assign({}, ...some);
    return {
      tile: { ...tile, ...storages } as ContractionSchedule,
      bytes: some.reduce((sum, o) => sum + o.elements * bytesPerElement, 0),
      saved: some.every((o) => o.loads >= leastLoads * o.elements) ? some.reduce((sum, o) => sum + o.loads, 0) : 0,
    };
  });
  let best = { tile, saved: 0 };
  for (const choice of choices)
    if (choice.bytes <= textureBytes && choice.saved > best.saved && isValidSchedule(c, choice.tile, target))
      best = choice;
  return best.tile;
}

/** Relative worth of so many rows by eight columns: sixteen vector registers hold six, two columns and a row. */
const directWorth: readonly (readonly [rows: number, worth: number])[] = [
  [6, 1],
  [5, 0.95],
  [4, 0.88],
  [3, 0.75],
  [2, 0.6],
  [1, 0.4],
];

/** Row tiles of a workgroup: so many pay for packing a panel, and what they read stays in the second-level cache. */
const mostRowTiles = 32;
const leastPackedTiles = 4;
/** A panel stays in the second-level cache beside what the rows read. */
const mostPanelBytes = 192 * 2 ** 10;

/** A tile for sixteen vector registers. */
function directTile(c: Contraction, inner: Axis): DirectSchedule {
  const rows = rowAxesOf(c, inner, 8);
  const extent = extentOf(rows);
  const score = ([height, worth]: readonly [number, number]) =>
    (worth * extent) / (Math.ceil(extent / height) * height);
  const [tileRows] = directWorth.reduce((best, one) => (score(one) > score(best) ? one : best));
  const tileColumns = extentOf(c.columns) > 4 ? 8 : 4;
  const tiles = Math.ceil(extent / tileRows) * extentOf(c.rows.filter((x) => !rows.includes(x)));
  const parts = Math.ceil(tiles / mostRowTiles);
  const panelBytes = extentOf(c.inner) * tileColumns * bytesPerElement;
  return {
    kind: "contraction",
    transport: "direct",
    tileRows,
    tileColumns,
    unroll: Math.min(divides(inner.extent, [4, 3, 5, 2]), inner.extent),
    rowBlock: tileRows,
    threadRows: 1,
    threadColumns: 1,
    serialRows: false,
    storageA: "buffer",
    storageB: "buffer",
    rowTiles: Math.ceil(tiles / parts),
    packed: tiles >= leastPackedTiles && panelBytes <= mostPanelBytes,
    rowAxes: rows.map((x) => x.name).join(","),
    innerAxis: inner.name,
  };
}

const operandElements = ({ read }: Operand): number => elementCount(read.tensor.type.shape);

/**
 * The schedule that the target's class starts from, without any measurement; its operands in textures take at most
 * `textureBytes`.
 */
export function defaultSchedule(
  c: Contraction,
  target: Target,
  textureBytes = Number.POSITIVE_INFINITY,
): ContractionSchedule {
  const inner = innerAxisOf(c);
  if (target.class === "wasm") return directTile(c, inner);
  const sg = target.subgroupSize;
  if (isSoftware(target) && target.features.includes("subgroups") && sg !== null) {
    const most = target.class === "lavapipe" ? 48 : 16;
    const rows = rowAxesOf(c, inner, Math.min(32, most));
    const along = vectorAlong(c.a, inner, rows);
    // Rows side by side in memory bring four of them a load: taller tiles. Otherwise 32 is the best measured.
    const tileRows = chooseRows(extentOf(rows), along === "tile" ? most : Math.min(32, most));
    const tile: ContractionSchedule = {
      kind: "contraction",
      transport: "broadcast",
      tileRows,
      unroll: Math.min(along === "tile" ? divides(inner.extent, [2, 3, 4]) : 4, inner.extent),
      tileColumns: 4,
      rowBlock: 4,
      threadRows: 1,
      threadColumns: sg,
      serialRows: true,
      storageA: "buffer",
      storageB: "buffer",
      rowAxes: rows.map((x) => x.name).join(","),
      innerAxis: inner.name,
    };
    const work = extentOf([...c.batch, ...c.rows, ...c.columns, ...c.inner]);
    if (work < leastWorthCompiling) return { ...tile, ...briefTile(c, inner, rows) };
    return withTextures(c, tile, target, textureBytes);
  }
  // A real GPU, or one whose subgroups are not known: the operands meet in workgroup memory.
  const rows = c.rows;
  const large = extentOf(rows) >= 256 && extentOf(c.columns) >= 64;
  return {
    kind: "contraction",
    transport: "workgroup",
    tileRows: large ? 8 : 4,
    tileColumns: 4,
    unroll: 16,
    rowBlock: large ? 8 : 4,
    threadRows: 8,
    threadColumns: large ? 16 : 8,
    serialRows: false,
    storageA: "buffer",
    storageB: "buffer",
    rowAxes: rows.map((x) => x.name).join(","),
    innerAxis: "all",
  };
}

/** The tensors that a schedule reads from textures. */
export function readFromTextures(c: Contraction, s: ContractionSchedule): readonly Value[] {
  const read = [...(s.storageA === "texture" ? [c.a] : []), ...(s.storageB === "texture" ? [c.b] : [])];
  return [...new Set(read.map((operand) => operand.read.tensor))];
}

/** Bytes of the textures that a schedule reads. */
export const textureBytesOf = (c: Contraction, s: ContractionSchedule): number =>
  readFromTextures(c, s).reduce((bytes, { type }) => bytes + bytesPerElement * elementCount(type.shape), 0);

/**
 * Why a schedule cannot be built for a contraction on a target, a line each; none where it can. All that can be built
 * compute the same, but for the order of their sums.
 */
export function scheduleProblems(c: Contraction, s: ContractionSchedule, target: Target): string[] {
  const counts = ["tileRows", "unroll", "rowBlock", "threadRows", "threadColumns"] as const;
  const wrong = counts.filter((name) => !(Number.isInteger(s[name]) && s[name] > 0));
  if (wrong.length > 0) return wrong.map((name) => `${name} is ${s[name]}, not a positive whole number`);
  if (s.tileColumns % 4 !== 0) return [`tileColumns is ${s.tileColumns}, but four neighbours make a vector`];
  if (s.transport === "direct") return directProblems(c, s, target);
  if (s.tileColumns !== 4) return [`tileColumns is ${s.tileColumns}, but a lane has four`];
  return s.transport === "broadcast" ? broadcastProblems(c, s, target) : workgroupProblems(c, s, target);
}

export const isValidSchedule = (c: Contraction, s: ContractionSchedule, target: Target): boolean =>
  scheduleProblems(c, s, target).length === 0;

function broadcastProblems(c: Contraction, s: ContractionSchedule, target: Target): string[] {
  const { name, features, subgroupSize } = target;
  if (!features.includes("subgroups") || subgroupSize === null)
    return [`${name} has no subgroups of a fixed size to broadcast in`];
  const problems: string[] = [];
  if (s.threadColumns !== subgroupSize)
    problems.push(`threadColumns is ${s.threadColumns}, but the subgroups of ${name} have ${subgroupSize} lanes`);
  if (s.threadRows !== 1) problems.push(`threadRows is ${s.threadRows}, but a broadcast's tile has one subgroup`);
  problems.push(...axisProblems(c, s));
  const inner = c.inner.find((x) => x.name === s.innerAxis);
  const rows = c.rows.filter((x) => s.rowAxes.split(",").includes(x.name));
  // Loads of four neighbouring rows: a tile has whole ones, and begins with one.
  if (s.tileRows % 4 !== 0 && vectorAlong(c.a, inner, rows) === "tile")
    problems.push(`tileRows is ${s.tileRows}, but the rows are loaded by fours`);
  const alongA = vectorAlong(c.a, inner, rows);
  const alongB = vectorAlong(c.b, inner, c.columns);
  return [
    ...problems,
    ...textureProblems("A", c.a, alongA, s, target),
    ...textureProblems("B", c.b, alongB, s, target),
  ];
}

/** Axes that the contraction does not have. */
function axisProblems(c: Contraction, s: ContractionSchedule): string[] {
  const unknown = (what: string, axis: string, axes: readonly Axis[]): string =>
    `no ${what} is called "${axis}"; there is ${axes.map((x) => x.name).join(", ")}`;
  const wanted = s.rowAxes === "" ? [] : s.rowAxes.split(",");
  const problems = wanted
    .filter((axis) => !c.rows.some((x) => x.name === axis))
    .map((axis) => unknown("axis of the rows", axis, c.rows));
  if (!c.inner.some((x) => x.name === s.innerAxis)) problems.push(unknown("inner axis", s.innerAxis, c.inner));
  return problems;
}

/** One invocation, its operands where they lie. */
function directProblems(c: Contraction, s: ContractionSchedule, target: Target): string[] {
  const problems = axisProblems(c, s);
  const { rowTiles, packed } = s as Partial<DirectSchedule>;
  if (!(Number.isInteger(rowTiles) && rowTiles! > 0))
    problems.push(`rowTiles is ${rowTiles}, not a positive whole number`);
  if (typeof packed !== "boolean") problems.push(`packed is ${packed}, not true or false`);
  const panel = bytesPerElement * s.tileColumns * extentOf(c.inner);
  const memory = target.limits.maxComputeWorkgroupStorageSize;
  if (packed && panel > memory)
    problems.push(`a panel of ${panel} bytes, but ${target.name} has ${memory} for a workgroup`);
  if (s.threadRows !== 1 || s.threadColumns !== 1)
    problems.push(`${s.threadRows} by ${s.threadColumns} invocations, but a direct tile has one`);
  if (s.storageA !== "buffer" || s.storageB !== "buffer")
    problems.push(`an operand is to be read from a texture, but a direct tile of ${target.name} reads buffers`);
  return problems;
}

/** A texture gives four neighbours at once, and each turn of the inner loop has to begin with one. */
function textureProblems(
  which: "A" | "B",
  { read: { tensor } }: Operand,
  along: VectorAlong,
  s: ContractionSchedule,
  target: Target,
): string[] {
  if (s[`storage${which}`] === "buffer") return [];
  const operand = `operand ${which}, %${tensor.name},`;
  if (!target.features.includes(wgslStorageTextures))
    return [`${operand} is to be read from a texture, but ${target.name} has no "${wgslStorageTextures}"`];
  if (along === "none") return [`${operand} is to be read from a texture, but its elements are read one by one`];
  if (!fitsTexture(elementCount(tensor.type.shape)))
    return [`${operand} of ${elementCount(tensor.type.shape)} elements fits no texture`];
  if (along === "inner" && s.unroll % 4 !== 0)
    return [`${operand} is read from a texture by four steps of ${s.innerAxis}, but unroll is ${s.unroll}`];
  return [];
}

function workgroupProblems(c: Contraction, s: ContractionSchedule, { name, limits }: Target): string[] {
  const problems = (["A", "B"] as const).flatMap((which) => {
    const { name: tensor } = (which === "A" ? c.a : c.b).read.tensor;
    if (s[`storage${which}`] === "buffer") return [];
    return [`operand ${which}, %${tensor}, is to be read from a texture, but goes to workgroup memory one by one`];
  });
  const threads = s.threadRows * s.threadColumns;
  const most = Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX);
  if (threads > most) problems.push(`${threads} invocations a workgroup, ${name} allows ${most}`);
  const bytes = bytesPerElement * s.unroll * (s.tileRows * s.threadRows + s.tileColumns * s.threadColumns);
  const memory = limits.maxComputeWorkgroupStorageSize;
  if (bytes > memory) problems.push(`${bytes} bytes of workgroup memory, ${name} allows ${memory}`);
  return problems;
}
