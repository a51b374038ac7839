/**
 * What a schedule should cost: an order in which to measure candidates, not a prediction of times. Everything is counted
 * in multiply-adds of as many lanes as the target runs at once, over all tiles, padding included.
 */
import type { Target, TargetClass } from "../../runtime/program/schema.ts";
import { type Axis, extentOf, Index } from "../ir/index.ts";
import { type Condition, readsOf } from "../ir/scalar.ts";
import type { Contraction, Operand } from "./contraction.ts";
import { type ContractionSchedule, type DirectSchedule, type VectorAlong, vectorAlong } from "./tile.ts";

export interface Cost {
  readonly time: number;
  /** Multiply-adds written out in the kernel's text, and what loads come to in them: what a driver compiles. */
  readonly code: number;
}

/** In multiply-adds. */
interface Prices {
  /** One f32 of each lane from a storage buffer; a vector of four costs four. */
  readonly load: number;
  /** The same from a texture. */
  readonly texture: number;
  readonly shared: number;
  readonly broadcast: number;
  readonly barrier: number;
  /** Per accumulator and turn of the loop. */
  readonly carried: number;
  /** Rows of four accumulators that stay in registers, and keep the units busy; others are spilled. */
  readonly rowsInRegisters: number;
  /** Per multiply-add whose accumulator is spilled. */
  readonly spill: number;
  /** Loads from buffers written out in the loops, f32 each, beyond which all become dearer. */
  readonly easyLoads: number;
  /** Workgroups that keep the adapter busy. */
  readonly busyAt: number;
}

/**
 * lavapipe: read off its machine code and timed (docs/performance.md). A load becomes eight of {test, compare, branch,
 * load, insert} for each f32, a texture's is a call; masks make every carried variable a blend; sixteen vector registers
 * hold three or four rows of four accumulators; and past some ten vector loads in the loops the processor no longer
 * keeps up with the branches. SwiftShader: four lanes instead of eight, an allocator that spills early, code that is dear in
 * itself. GPUs: reasoned from how they are built, not measured.
 */
const lavapipe: Prices = {
  load: 16,
  texture: 6,
  shared: 11,
  broadcast: 1,
  barrier: 200,
  carried: 0.5,
  rowsInRegisters: 4,
  spill: 0.5,
  easyLoads: 40,
  busyAt: 4,
};
const swiftshader: Prices = { ...lavapipe, texture: 40, broadcast: 2, rowsInRegisters: 2, spill: 1, easyLoads: 24 };
const gpu: Prices = {
  load: 4,
  texture: 4,
  shared: 1,
  broadcast: 1,
  barrier: 20,
  carried: 0,
  rowsInRegisters: 8,
  spill: 2,
  easyLoads: 64,
  busyAt: 128,
};
const pricesOf = (kind: TargetClass): Prices =>
  kind === "lavapipe" ? lavapipe : kind === "swiftshader" ? swiftshader : gpu;

/**
 * The most `code` that a kernel should have. A software driver takes about a second for 1,000 multiply-adds, and more
 * than in proportion for more. A small contraction has less: what compiles longer than some 10,000 runs take (25 multiply-
 * adds a nanosecond) is no gain.
 */
export function mostCode(c: Contraction): number {
  const products = extentOf([...c.batch, ...c.rows, ...c.columns, ...c.inner]);
  return Math.min(4000, Math.max(300, products / 2500));
}

/** What the schedules of a contraction cost on a target. Those that cannot be built have no cost worth reading. */
export function costModel(c: Contraction, target: Target): (s: ContractionSchedule) => Cost {
  const prices = pricesOf(target.class);
  const views = new Map<string, TileView>();
  return (s) => {
    if (s.transport === "workgroup") return workgroupCost(c, s, prices);
    if (s.transport === "direct") return directCost(c, s as DirectSchedule);
    const key = `${s.rowAxes} ${s.innerAxis}`;
    const view = views.get(key) ?? viewOf(c, s);
    views.set(key, view);
    return broadcastCost(c, s, view, prices);
  };
}

/** Cheapest first; what has too much code comes after all others. */
export function byCost(
  c: Contraction,
  schedules: readonly ContractionSchedule[],
  target: Target,
): ContractionSchedule[] {
  const cost = costModel(c, target);
  const costs = new Map(schedules.map((s) => [s, cost(s)]));
  const most = mostCode(c);
  const excess = (s: ContractionSchedule) => Math.max(0, costs.get(s)!.code - most);
  return [...schedules].sort((x, y) => excess(x) - excess(y) || costs.get(x)!.time - costs.get(y)!.time);
}

/** What follows from the axes of a tile alone. */
interface TileView {
  readonly rows: readonly Axis[];
  readonly inner: Axis;
  readonly alongA: VectorAlong;
  readonly alongB: VectorAlong;
  /** Times dearer than a load without guards. */
  readonly guardedA: number;
  readonly guardedB: number;
  /** Share of the turns that run: guards that are the same for a whole tile skip the others. */
  readonly share: number;
}

function viewOf(c: Contraction, s: ContractionSchedule): TileView {
  const names = s.rowAxes.split(",");
  const rows = c.rows.filter((x) => names.includes(x.name));
  const inner = c.inner.find((k) => k.name === s.innerAxis)!;
  const within = new Set([...rows, inner, ...c.columns]);
  const guards = [...c.a.read.guard, ...c.b.read.guard];
  const outside = guards.filter((g) => [...g.index.axes()].every((x) => !within.has(x)));
  const guarded = (o: Operand) => (o.read.guard.some((g) => !outside.includes(g)) ? 1.5 : 1);
  return {
    rows,
    inner,
    alongA: vectorAlong(c.a, inner, rows),
    alongB: vectorAlong(c.b, inner, c.columns),
    guardedA: guarded(c.a),
    guardedB: guarded(c.b),
    share: shareInside(outside),
  };
}

function broadcastCost(c: Contraction, s: ContractionSchedule, view: TileView, prices: Prices): Cost {
  const { rows, inner, alongA, alongB } = view;
  const lanes = s.threadColumns;
  const { tileRows } = s;

  /** f32 loaded in a turn of so many steps, of the rows and of the columns. */
  const loadsOf = (steps: number): [ofA: number, ofB: number] => {
    const quads = Math.ceil(steps / 4);
    const vectorsA = alongA === "inner" ? tileRows * quads : (tileRows * steps) / 4;
    const ofA = alongA === "none" ? Math.ceil((tileRows * steps) / lanes) : 4 * Math.ceil(vectorsA / lanes);
    return [ofA, alongB === "inner" ? 16 * quads : 4 * steps];
  };
  const turns = Math.floor(inner.extent / s.unroll);
  const rest = inner.extent % s.unroll;
  const bodies = [turns > 0 ? s.unroll : 0, rest].filter((steps) => steps > 0);

  // A texture's load is a call, a buffer's is written out at its place.
  const [inA, inB] = [s.storageA === "texture", s.storageB === "texture"];
  const writtenOut = bodies.reduce((n, steps) => {
    const [ofA, ofB] = loadsOf(steps);
    return n + (inA ? 0 : ofA) + (inB ? 0 : ofB);
  }, 0);
  const load = prices.load * (1 + Math.max(0, writtenOut - prices.easyLoads) / prices.easyLoads);
  // A block of rows keeps its accumulators for all steps of the turn, unless it is itself too tall; if it is too short,
  // each product waits for the one before it.
  const fits = s.rowBlock <= prices.rowsInRegisters;
  const waiting = Math.max(0, prices.rowsInRegisters / s.rowBlock - 1) / 4;
  const turn = (steps: number): number => {
    const [ofA, ofB] = loadsOf(steps);
    const products = 4 * tileRows * steps;
    const spills = tileRows <= prices.rowsInRegisters ? 0 : fits ? 4 * tileRows : products;
    return (
      ofA * view.guardedA * (inA ? prices.texture : load) +
      ofB * view.guardedB * (inB ? prices.texture : load) +
      products * (1 + waiting) +
      tileRows * steps * prices.broadcast +
      spills * prices.spill +
      4 * tileRows * prices.carried
    );
  };

  const sweep = turns * turn(s.unroll) + (rest > 0 ? turn(rest) : 0);
  const others = extentOf(c.inner) / inner.extent;
  const finish = epilogueCost(c, tileRows, prices);
  const tiles = Math.ceil(extentOf(rows) / tileRows) * Math.ceil(extentOf(c.columns) / (4 * lanes));
  const count = tiles * extentOf([...c.batch, ...c.rows.filter((x) => !rows.includes(x))]);
  return {
    time: spread(count, prices) * (others * view.share * sweep + finish.time),
    code:
      bodies.reduce((n, steps) => n + 4 * tileRows * steps, 10 * writtenOut) +
      (s.serialRows ? finish.code / tileRows : finish.code),
  };
}

function workgroupCost(c: Contraction, s: ContractionSchedule, prices: Prices): Cost {
  const threads = s.threadRows * s.threadColumns;
  const blockRows = s.tileRows * s.threadRows;
  const blockColumns = 4 * s.threadColumns;
  const fetches = Math.ceil((s.unroll * blockRows) / threads) + Math.ceil((s.unroll * blockColumns) / threads);
  const products = 4 * s.tileRows;
  const step = (4 + s.tileRows) * prices.shared + products;
  const spilled = Math.max(0, s.tileRows - prices.rowsInRegisters) * 4 * prices.spill;
  const block = fetches * (prices.load + prices.shared) + s.unroll * (step + spilled) + 2 * prices.barrier;
  const finish = epilogueCost(c, s.tileRows, prices);
  const count =
    Math.ceil(extentOf(c.rows) / blockRows) * Math.ceil(extentOf(c.columns) / blockColumns) * extentOf(c.batch);
  const each = Math.ceil(extentOf(c.inner) / s.unroll) * block + finish.time;
  return { time: spread(count, prices) * threads * each, code: products + 10 * fetches + finish.code };
}

/**
 * A tile of one invocation in WebAssembly, in multiply-adds of four lanes: half a cycle each on a processor with two units
 * for either. Sixteen vector registers, one of them the engine's own; twice in three a load goes beside the arithmetic.
 */
const direct = {
  load: 0.4,
  /** A panel whose vectors lie far apart comes from the second-level cache, if not from beyond it. */
  farLoad: 2,
  /** Four elements, put together one by one. */
  gather: 8,
  registers: 15,
  /** An accumulator is stored and loaded again. */
  spill: 1.5,
  turn: 3,
  /** Workgroups so few that threads wait for one another at the end. */
  busyAt: 16,
};

function directCost(c: Contraction, s: DirectSchedule): Cost {
  const rows = c.rows.filter((x) => s.rowAxes.split(",").includes(x.name));
  const inner = c.inner.find((k) => k.name === s.innerAxis)!;
  const blocks = s.tileColumns / 4;
  const along = vectorAlong(c.b, inner, c.columns);
  const column = along === "tile" ? (s.packed ? direct.load : direct.farLoad) : s.packed ? direct.load : direct.gather;
  const held = s.tileRows * blocks + blocks + 2;
  const spilled = Math.max(0, held - direct.registers) * direct.spill;
  const guarded = c.a.read.guard.some((g) => rows.some((x) => g.index.coefficientOf(x) !== 0)) ? 3 : 1;
  const step = s.tileRows * (blocks + guarded * direct.load) + blocks * column + spilled + direct.turn / s.unroll;
  const terms = extentOf(c.inner);
  const finish = epilogueCost(c, s.tileRows, gpu);
  const tile = terms * step + (finish.time * blocks) / 4;
  const pack = s.packed ? terms * blocks * (along === "tile" ? direct.farLoad : direct.gather / 2) : 0;
  const rowTiles = Math.ceil(extentOf(rows) / s.tileRows) * extentOf(c.rows.filter((x) => !rows.includes(x)));
  const parts = Math.ceil(rowTiles / s.rowTiles);
  const workgroups = parts * Math.ceil(extentOf(c.columns) / s.tileColumns) * extentOf(c.batch);
  const uneven = Math.max(1, direct.busyAt / workgroups);
  return {
    time: uneven * workgroups * (Math.min(s.rowTiles, rowTiles) * tile + pack),
    code: s.tileRows * blocks * s.unroll + finish.code,
  };
}

/** Each row of a tile: a vector for every store, and for everything that its expression reads. */
function epilogueCost(c: Contraction, tileRows: number, prices: Prices): Cost {
  const accesses = c.stores.reduce((n, s) => n + 1 + readsOf(s.expr).length, 0);
  return { time: 4 * tileRows * accesses * prices.load, code: 4 * tileRows * accesses * 10 };
}

/** Few tiles leave part of the adapter idle: they count as many. */
const spread = (tiles: number, { busyAt }: Prices): number => Math.max(busyAt, Math.ceil(tiles / busyAt) * busyAt);

/** How many points are looked at to see how often guards hold. */
const samples = 128;

/** The share of the points of their axes at which all of the conditions hold, from points spread evenly. */
function shareInside(conditions: readonly Condition[]): number {
  if (conditions.length === 0) return 1;
  const axes = [...new Set(conditions.flatMap((g) => [...g.index.axes()]))];
  let inside = 0;
  for (let i = 0; i < samples; i++) {
    // Multiples of square roots of primes, modulo 1, cover the axes evenly: Richtmyer's sequence.
    const at = new Map(axes.map((x, d) => [x, Index.of(Math.floor(((i * roots[d % roots.length]) % 1) * x.extent))]));
    if (conditions.every((g) => holds(g, at))) inside++;
  }
  return inside / samples;
}

const roots = [2, 3, 5, 7, 11, 13, 17, 19].map(Math.sqrt);

function holds(c: Condition, at: ReadonlyMap<Axis, Index>): boolean {
  const value = c.index.substitute(at).constant;
  return c.kind === "nonNegative" ? value >= 0 : value % c.by === 0;
}
