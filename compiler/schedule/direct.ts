/**
 * A contraction tile for one invocation: rows are splat, columns are vectors of four. The shape for a processor whose
 * vectors are the lanes and whose caches are the shared memory. A workgroup takes several row tiles of one column tile;
 * the column operand's panel stays in the cache while the rows pass by. Packed, the panel is first copied to where it
 * lies side by side: strides that are multiples of a power of two would put all of it into a few lines of the cache.
 */

import type { Target } from "../../runtime/program/schema.ts";
import type { FusedProgram } from "../ir/fused.ts";
import { Axis, extentOf, Index } from "../ir/index.ts";
import type { Kernel, KernelExpr } from "../ir/kernel.ts";
import * as K from "../ir/kernelExpr.ts";
import type { Condition, UniformName } from "../ir/scalar.ts";
import { spread } from "./broadcast.ts";
import { type BufferTable, withStableWidths } from "./buffers.ts";
import type { Contraction, Operand } from "./contraction.ts";
import { emitEpilogue, emitStart, type TilePlace } from "./epilogue.ts";
import { bindAxes, flatGrid } from "./grid.ts";
import { inPlacePairs } from "./inPlace.ts";
import { Nest } from "./nest.ts";
import { loadGuarded } from "./scalars.ts";
import { type ContractionSchedule, type DirectSchedule, vectorAlong } from "./tile.ts";
import { shareOfTurns, tileLoops } from "./tileLoops.ts";

export const scheduleDirect = (
  c: Contraction,
  schedule: ContractionSchedule,
  program: FusedProgram,
  target: Target,
): Kernel =>
  withStableWidths(program.layouts, (table) => new Builder(c, schedule as DirectSchedule, table, target).build());

/** Indices of an operand: its address, then its guards. */
const indicesOf = ({ address, read }: Operand): readonly Index[] => [address, ...read.guard.map((g) => g.index)];

const panelName = "panel";

class Builder {
  private readonly nest: Nest;
  private readonly rowAxes: readonly Axis[];
  private readonly inner: Axis;
  private readonly rowTile: Axis;
  private readonly columnTile: Axis;
  /** The row tiles that a workgroup takes are one of so many parts of all. */
  private readonly rowPart: Axis;
  /** Vectors of four columns in a tile. */
  private readonly blocks: number;
  /** From the slowest to the fastest. */
  private readonly gridAxes: readonly Axis[];
  /** What row tiles are counted along, from the slowest to the fastest. */
  private readonly tileAxes: readonly Axis[];
  /** Registers with what the row operand's indices take from the tile and the row; undefined where inner axes stand
   * inside a division, so that nothing can be taken apart. */
  private rowBases: readonly string[] | undefined;

  constructor(
    private readonly c: Contraction,
    private readonly s: DirectSchedule,
    private readonly table: BufferTable,
    private readonly target: Target,
  ) {
    this.nest = new Nest(target, table.names);
    const names = new Set(s.rowAxes.split(","));
    this.rowAxes = c.rows.filter((x) => names.has(x.name));
    this.inner = c.inner.find((k) => k.name === s.innerAxis)!;
    this.blocks = s.tileColumns / 4;
    this.rowTile = new Axis("rowTile", Math.ceil(extentOf(this.rowAxes) / s.tileRows));
    this.columnTile = new Axis("columnTile", Math.ceil(extentOf(c.columns) / s.tileColumns));
    this.tileAxes = [...c.rows.filter((x) => !this.rowAxes.includes(x)), this.rowTile];
    this.rowPart = new Axis("rowPart", Math.ceil(extentOf(this.tileAxes) / s.rowTiles));
    this.gridAxes = [...c.batch, this.rowPart, this.columnTile];
  }

  build(): Kernel {
    const { c, s, nest, table, target } = this;
    const count = extentOf(this.gridAxes);
    const grid = flatGrid(count, target.limits.maxComputeWorkgroupsPerDimension);
    const uniforms = new Set<UniformName>();
    const guards = [...c.a.read.guard, ...c.b.read.guard];
    const free = new Set([this.inner, ...this.rowAxes, ...c.columns]);
    const tile = () => {
      const type = { dtype: "f32", width: 4 } as const;
      nest.push({ kind: "registers", name: "acc", type, shape: [s.tileRows, this.blocks], initial: 0 });
      for (let block = 0; block < this.blocks; block++) this.start(block, uniforms);
      this.hoistRows();
      const outer = c.inner.filter((k) => k !== this.inner);
      tileLoops({ nest, guards, free, body: (checked) => this.innerLoop(checked) }, outer);
      for (let block = 0; block < this.blocks; block++) this.finish(block, uniforms);
    };
    const workgroup = () => {
      if (s.packed) this.pack();
      this.eachRowTile(tile);
    };
    bindAxes(nest, nest.let("tile", grid.id), this.gridAxes.toReversed());
    if (grid.overshoots) nest.if(K.lessThan(grid.id, K.int(count)), workgroup);
    else workgroup();

    const padded = s.tileRows * this.columnTile.extent * s.tileColumns;
    const tiles = extentOf([...c.batch, ...this.tileAxes]);
    return {
      name: c.group.name,
      workgroupSize: 1,
      workgroups: grid.workgroups,
      buffers: table.buffers(),
      shared: s.packed
        ? [{ name: panelName, type: { dtype: "f32", width: 4 }, length: extentOf(c.inner) * this.blocks }]
        : [],
      uniforms: [...uniforms].sort(),
      body: nest.statements,
      schedule: s,
      locations: c.group.locations,
      ops: c.group.ops,
      operations: 2 * c.products,
      executedOperations: Math.round(2 * padded * tiles * extentOf(c.inner) * shareOfTurns(guards, free)),
      inPlace: inPlacePairs(c.group, table),
    };
  }

  /** The row tiles of the workgroup, one after another. */
  private eachRowTile(body: () => void): void {
    const { nest, s } = this;
    const count = extentOf(this.tileAxes);
    const turn = new Axis("t", Math.min(s.rowTiles, count));
    const one = () => {
      const flat = Index.of(this.rowPart).times(s.rowTiles).plus(turn);
      const map = new Map<Axis, Index>();
      spread(this.tileAxes, flat, map);
      const bindAll = () => {
        for (const axis of this.tileAxes)
          if (axis.extent > 1) nest.bind(axis, nest.let(axis.name, nest.index(map.get(axis)!)));
        body();
      };
      if (this.rowPart.extent * s.rowTiles > count) nest.if(K.lessThan(nest.index(flat), K.int(count)), bindAll);
      else bindAll();
    };
    nest.loop(turn, {}, one);
  }

  /** Where four columns at a step of the inner axes lie in the panel. */
  private inPanel(at: Index, block: number): Index {
    const flat = this.c.inner.reduce(
      (sum, k) => sum.times(k.extent).plus(k === this.inner ? at : Index.of(k)),
      Index.of(0),
    );
    return flat.times(this.blocks).plus(block);
  }

  /** Copies the columns of the tile, all steps of the inner axes, side by side into the workgroup's memory. */
  private pack(): void {
    const { nest, c, inner } = this;
    const store = (at: Index, block: number, value: KernelExpr) =>
      nest.push({ kind: "sharedStore", array: panelName, index: nest.index(this.inPanel(at, block)), value });
    const loops = (axes: readonly Axis[]): void => {
      const [axis, ...rest] = axes;
      if (axis) return nest.loop(axis, {}, () => loops(rest));
      if (this.transposes()) nest.loop(inner, { step: 4 }, () => this.transposed(Index.of(inner), store));
      else
        nest.loop(inner, {}, () => {
          for (let block = 0; block < this.blocks; block++)
            store(Index.of(inner), block, this.columns(Index.of(inner), block, new Set()));
        });
    };
    loops(c.inner.filter((k) => k !== inner));
    nest.push({ kind: "barrier" });
  }

  /** Whether four steps of the inner axis are a vector in memory, and neighbouring columns are not. */
  private transposes(): boolean {
    const { c, inner } = this;
    return vectorAlong(c.b, inner, c.columns) === "inner" && inner.extent % 4 === 0 && c.b.read.guard.length === 0;
  }

  /** Four steps of every column, loaded as vectors along the steps, stored as vectors along the columns. */
  private transposed(at: Index, store: (at: Index, block: number, value: KernelExpr) => void): void {
    const { nest, table, c, s } = this;
    const count = extentOf(c.columns);
    const lane = new Axis("x", 4);
    for (let block = 0; block < this.blocks; block++) {
      const loaded = [0, 1, 2, 3].map((x) => {
        const column = Index.of(this.columnTile)
          .times(s.tileColumns)
          .plus(4 * block + x);
        const covered = this.columnTile.extent * s.tileColumns === count;
        const map = new Map([[this.inner, at.plus(lane)]]);
        spread(c.columns, covered ? column : column.clamp(0, count - 1), map);
        return K.splat(loadGuarded(nest, table, c.b.read, c.b.address.substitute(map), [], lane));
      });
      for (let step = 0; step < 4; step++)
        store(at.plus(step), block, K.vector(loaded.map((v) => K.component(v, K.int(step)))));
    }
  }

  /** The flat number of a row of the tile; rows past the last read the last, and are not stored. */
  private row(r: Index | Axis): Index {
    const count = extentOf(this.rowAxes);
    const flat = Index.of(this.rowTile).times(this.s.tileRows).plus(r);
    return this.rowTile.extent * this.s.tileRows === count ? flat : flat.clamp(0, count - 1);
  }

  private substitution(row: Index, inner?: Index): Map<Axis, Index> {
    const map = new Map<Axis, Index>();
    spread(this.rowAxes, row, map);
    if (inner) map.set(this.inner, inner);
    return map;
  }

  private hoistRows(): void {
    const { nest, c, s } = this;
    const indices = indicesOf(c.a);
    if (indices.some((index) => c.inner.some((k) => index.coefficientOf(k) === undefined))) return;
    const row = new Axis("r", s.tileRows);
    const map = this.substitution(this.row(row));
    for (const k of c.inner) map.set(k, Index.of(0));
    this.rowBases = indices.map((index, n) => {
      const name = nest.fresh(n === 0 ? "rowBase" : "rowGuard");
      nest.push({ kind: "registers", name, type: { dtype: "i32", width: 1 }, shape: [s.tileRows], initial: 0 });
      nest.loop(row, { unroll: true }, () => {
        const value = nest.index(index.substitute(map));
        nest.push({ kind: "assign", register: name, index: [nest.index(Index.of(row))], value });
      });
      return name;
    });
  }

  private innerLoop(checked: ReadonlySet<Condition>): void {
    const { nest, inner, s } = this;
    const whole = inner.extent - (inner.extent % s.unroll);
    const turn = new Axis(inner.name, whole);
    if (whole === s.unroll) this.steps(Index.of(0), s.unroll, checked);
    else nest.loop(turn, { step: s.unroll }, () => this.steps(Index.of(turn), s.unroll, checked));
    if (whole < inner.extent) this.steps(Index.of(whole), inner.extent - whole, checked);
  }

  /** Products of so many steps of the inner axis. */
  private steps(from: Index, count: number, checked: ReadonlySet<Condition>): void {
    const { nest, s, blocks } = this;
    const step = new Axis("u", count);
    nest.loop(step, { unroll: true }, () => {
      const at = from.plus(step);
      const columns = Array.from({ length: blocks }, (_, block) =>
        s.packed ? this.packedColumns(at, block) : this.columns(at, block, checked),
      );
      const row = new Axis("r", s.tileRows);
      nest.loop(row, { unroll: true }, () => {
        const a = nest.let("a", K.splat(this.element(row, at, checked)));
        columns.forEach((b, block) => {
          const index = [nest.index(Index.of(row)), K.int(block)];
          const value = K.fma(a, b, K.register("acc", index, "f32", 4));
          nest.push({ kind: "assign", register: "acc", index, value });
        });
      });
    });
  }

  private packedColumns(at: Index, block: number): KernelExpr {
    const { nest } = this;
    const index = nest.index(this.inPanel(at, block));
    return nest.let("b", { kind: "sharedLoad", array: panelName, index, dtype: "f32", width: 4 });
  }

  /** Four columns of the column operand. */
  private columns(at: Index, block: number, checked: ReadonlySet<Condition>): KernelExpr {
    const { nest, table, c, s } = this;
    const count = extentOf(c.columns);
    const lane = new Axis("x", 4);
    const covered = this.columnTile.extent * s.tileColumns === count;
    const vector = Index.of(this.columnTile).times(this.blocks).plus(block);
    const column =
      count % 4 === 0
        ? (covered ? vector : vector.clamp(0, count / 4 - 1)).times(4).plus(lane)
        : vector
            .times(4)
            .plus(lane)
            .clamp(0, count - 1);
    const map = new Map([[this.inner, at]]);
    spread(c.columns, column, map);
    const open = c.b.read.guard.filter((g) => !checked.has(g));
    const conditions = open.map((g): Condition => ({ ...g, index: g.index.substitute(map) }));
    return K.splat(loadGuarded(nest, table, c.b.read, c.b.address.substitute(map), conditions, lane));
  }

  /** An element of the row operand. */
  private element(row: Axis, at: Index, checked: ReadonlySet<Condition>): KernelExpr {
    const { nest, table, c } = this;
    const indices = this.rowBases
      ? indicesOf(c.a).map((index, n) => {
          const base = new Axis("base", 2 ** 31);
          nest.bind(base, K.register(this.rowBases![n], [nest.index(Index.of(row))], "i32"));
          return c.inner.reduce(
            (sum, k) => sum.plus((k === this.inner ? at : Index.of(k)).times(index.coefficientOf(k)!)),
            Index.of(base),
          );
        })
      : indicesOf(c.a).map((index) => index.substitute(this.substitution(this.row(row), at)));
    const [address, ...guards] = indices;
    const conditions = c.a.read.guard.flatMap((g, n) => (checked.has(g) ? [] : [{ ...g, index: guards[n] }]));
    return loadGuarded(nest, table, c.a.read, address, conditions);
  }

  private place(block: number, uniforms: Set<UniformName>): TilePlace {
    const { c, s, nest, table } = this;
    return {
      contraction: c,
      nest,
      table,
      uniforms,
      rowAxes: this.rowAxes,
      rowBase: Index.of(this.rowTile).times(s.tileRows),
      tileRows: s.tileRows,
      rowsCovered: this.rowTile.extent * s.tileRows,
      columnBase: Index.of(this.columnTile).times(this.blocks).plus(block).times(4),
      columnsCovered: this.columnTile.extent * s.tileColumns,
    };
  }

  /** Four columns of every row get what their sums go on from. */
  private start(block: number, uniforms: Set<UniformName>): void {
    const { nest } = this;
    emitStart(this.place(block, uniforms), (row, value, column) => {
      const index = [nest.index(row), K.int(block)];
      const old = (k: number) => K.component(K.register("acc", index, "f32", 4), K.int(k));
      const four = [0, 1, 2, 3].map((k) => (k === column ? value : old(k)));
      nest.push({ kind: "assign", register: "acc", index, value: column === undefined ? value : K.vector(four) });
    });
  }

  /** Stores four columns of every row. */
  private finish(block: number, uniforms: Set<UniformName>): void {
    const { nest } = this;
    const acc = (row: Index) => K.register("acc", [nest.index(row), K.int(block)], "f32", 4);
    emitEpilogue({
      ...this.place(block, uniforms),
      serialRows: false,
      vector: acc,
      element: (row, column) => K.component(acc(row), nest.index(column)),
    });
  }
}
