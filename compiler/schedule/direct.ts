/**
 * A contraction tile for one invocation that reads its operands where they lie: rows are splat, columns are vectors of
 * four. The shape for a processor whose vectors are the lanes and whose caches are the shared memory. Row tiles of one
 * column tile follow each other, so that a panel of the column operand stays in the cache while the rows pass by.
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
import { emitEpilogue } from "./epilogue.ts";
import { flatGrid } from "./grid.ts";
import { inPlacePairs } from "./inPlace.ts";
import { Nest } from "./nest.ts";
import { loadGuarded } from "./scalars.ts";
import type { ContractionSchedule } from "./tile.ts";
import { shareOfTurns, tileLoops } from "./tileLoops.ts";

export const scheduleDirect = (
  c: Contraction,
  schedule: ContractionSchedule,
  program: FusedProgram,
  target: Target,
): Kernel => withStableWidths(program.layouts, (table) => new Builder(c, schedule, table, target).build());

/** Indices of an operand: its address, then its guards. */
const indicesOf = ({ address, read }: Operand): readonly Index[] => [address, ...read.guard.map((g) => g.index)];

class Builder {
  private readonly nest: Nest;
  private readonly rowAxes: readonly Axis[];
  private readonly inner: Axis;
  private readonly rowTile: Axis;
  private readonly columnTile: Axis;
  /** Vectors of four columns in a tile. */
  private readonly blocks: number;
  /** From the slowest to the fastest. */
  private readonly gridAxes: readonly Axis[];
  /** Registers with what the row operand's indices take from the tile and the row; undefined where inner axes stand
   * inside a division, so that nothing can be taken apart. */
  private rowBases: readonly string[] | undefined;

  constructor(
    private readonly c: Contraction,
    private readonly s: ContractionSchedule,
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
    const others = c.rows.filter((x) => !this.rowAxes.includes(x));
    this.gridAxes = [...c.batch, ...others, this.columnTile, this.rowTile];
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
      this.hoistRows();
      const outer = c.inner.filter((k) => k !== this.inner);
      tileLoops({ nest, guards, free, body: (checked) => this.innerLoop(checked) }, outer);
      for (let block = 0; block < this.blocks; block++) this.finish(block, uniforms);
    };
    this.bindGrid(grid.id);
    if (grid.overshoots) nest.if(K.lessThan(grid.id, K.int(count)), tile);
    else tile();

    const padded = this.rowTile.extent * s.tileRows * this.columnTile.extent * s.tileColumns;
    const tiles = count / (this.rowTile.extent * this.columnTile.extent);
    return {
      name: c.group.name,
      workgroupSize: 1,
      workgroups: grid.workgroups,
      buffers: table.buffers(),
      shared: [],
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

  private bindGrid(id: KernelExpr): void {
    const { nest } = this;
    const flat = nest.let("tile", id);
    let stride = 1;
    for (const [i, axis] of this.gridAxes.toReversed().entries()) {
      const quotient = K.divide(flat, stride);
      const last = i === this.gridAxes.length - 1;
      if (axis.extent > 1) nest.bind(axis, nest.let(axis.name, last ? quotient : K.remainder(quotient, axis.extent)));
      stride *= axis.extent;
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
      const columns = Array.from({ length: blocks }, (_, block) => this.columns(at, block, checked));
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

  /** Stores four columns of every row. */
  private finish(block: number, uniforms: Set<UniformName>): void {
    const { c, s, nest, table } = this;
    const acc = (row: Index) => K.register("acc", [nest.index(row), K.int(block)], "f32", 4);
    emitEpilogue({
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
      serialRows: false,
      vector: acc,
      element: (row, column) => K.component(acc(row), nest.index(column)),
    });
  }
}
