/**
 * A contraction tile for one subgroup. Lanes run along the columns, four to a lane; the row operand is loaded once by
 * all lanes together, each an own part, and handed round by subgroup broadcast. Where a load is dear (software drivers:
 * some 15 multiply-adds) this brings the most products for a load.
 */

import type { Target } from "../../runtime/program/schema.ts";
import type { FusedProgram } from "../ir/fused.ts";
import { Axis, extentOf, Index } from "../ir/index.ts";
import type { Kernel, KernelExpr } from "../ir/kernel.ts";
import * as K from "../ir/kernelExpr.ts";
import type { Condition, UniformName } from "../ir/scalar.ts";
import { type BufferTable, withStableWidths } from "./buffers.ts";
import type { Contraction } from "./contraction.ts";
import { assignScalars, emitEpilogue, emitStart, inScalars } from "./epilogue.ts";
import { bindAxes, flatGrid } from "./grid.ts";
import { inPlacePairs } from "./inPlace.ts";
import { Nest } from "./nest.ts";
import { loadValue } from "./scalars.ts";
import { type ContractionSchedule, type VectorAlong, vectorAlong } from "./tile.ts";
import { shareOfTurns, tileLoops } from "./tileLoops.ts";

export function scheduleBroadcast(
  c: Contraction,
  schedule: ContractionSchedule,
  program: FusedProgram,
  target: Target,
): Kernel {
  return withStableWidths(program.layouts, (table) => new Builder(c, schedule, table, target).build());
}

interface HoistedRows {
  /** First the address, in units of `scale` elements, then the guards. */
  readonly registers: readonly { readonly name: string; readonly scale: number }[];
}

class Builder {
  private readonly nest: Nest;
  private readonly rowAxes: readonly Axis[];
  private readonly inner: Axis;
  private readonly rowTile: Axis;
  private readonly columnTile: Axis;
  private readonly lane: Axis;
  private readonly gridAxes: readonly Axis[];
  private readonly alongA: VectorAlong;
  private readonly alongB: VectorAlong;
  /** For a turn of so many steps: registers with the parts of addresses and guards that stay the same in all turns. */
  private readonly hoisted = new Map<number, HoistedRows>();

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
    this.gridAxes = [...c.batch, ...c.rows.filter((x) => !this.rowAxes.includes(x))];
    this.rowTile = new Axis("rowTile", Math.ceil(extentOf(this.rowAxes) / s.tileRows));
    this.columnTile = new Axis("columnTile", Math.ceil(extentOf(c.columns) / (4 * s.threadColumns)));
    this.lane = new Axis("lane", s.threadColumns);
    this.alongA = vectorAlong(c.a, this.inner, this.rowAxes);
    this.alongB = vectorAlong(c.b, this.inner, c.columns);
  }

  build(): Kernel {
    const { c, s, nest, table } = this;
    const grid = flatGrid(
      [this.columnTile, this.rowTile, ...this.gridAxes].reduce((n, x) => n * x.extent, 1),
      this.target.limits.maxComputeWorkgroupsPerDimension,
    );
    const uniforms = new Set<UniformName>();
    const guards = [...c.a.read.guard, ...c.b.read.guard];
    const free = new Set([this.inner, ...this.rowAxes, ...c.columns]);
    const tile = () => {
      nest.push({
        kind: "registers",
        name: "acc",
        type: { dtype: "f32", width: 1 },
        shape: [s.tileRows, 4],
        initial: 0,
      });
      const place = {
        contraction: c,
        nest,
        table,
        uniforms,
        rowAxes: this.rowAxes,
        rowBase: Index.of(this.rowTile).times(s.tileRows),
        tileRows: s.tileRows,
        rowsCovered: this.rowTile.extent * s.tileRows,
        columnBase: Index.of(this.columnTile).times(s.threadColumns).plus(this.lane).times(4),
        columnsCovered: this.columnTile.extent * s.threadColumns * 4,
      };
      emitStart(place, assignScalars(nest));
      const { unroll } = s;
      const { extent } = this.inner;
      for (const steps of new Set([extent >= unroll ? unroll : 0, extent % unroll]))
        if (steps > 0) this.hoistRows(steps);
      const body = (checked: ReadonlySet<Condition>) => this.innerLoop(checked);
      const outer = c.inner.filter((k) => k !== this.inner);
      tileLoops({ nest, guards, free, body }, outer);
      emitEpilogue({ ...place, serialRows: s.serialRows, ...inScalars(nest) });
    };
    this.bindGrid(grid.id);
    if (grid.overshoots) {
      const count = [this.columnTile, this.rowTile, ...this.gridAxes].reduce((n, x) => n * x.extent, 1);
      nest.if(K.lessThan(grid.id, K.int(count)), tile);
    } else tile();

    const padded = this.rowTile.extent * s.tileRows * this.columnTile.extent * s.threadColumns * 4;
    const perTile = extentOf(this.gridAxes) * extentOf(c.inner);
    return {
      name: c.group.name,
      workgroupSize: s.threadColumns,
      workgroups: grid.workgroups,
      subgroupSize: s.threadColumns,
      buffers: table.buffers(),
      shared: [],
      uniforms: [...uniforms].sort(),
      body: nest.statements,
      schedule: { ...s, vectorA: this.alongA, vectorB: this.alongB },
      locations: c.group.locations,
      ops: c.group.ops,
      operations: 2 * c.products,
      executedOperations: Math.round(2 * padded * perTile * shareOfTurns(guards, free)),
      inPlace: inPlacePairs(c.group, table),
    };
  }

  /** Column tiles are neighbours in time, then row tiles: what a slice of the other axes reads stays in the cache. */
  private bindGrid(id: KernelExpr): void {
    const { nest } = this;
    nest.bind(this.lane, nest.let("lane", K.builtin("subgroupLane")));
    bindAxes(nest, nest.let("tile", id), [this.columnTile, this.rowTile, ...this.gridAxes.toReversed()]);
  }

  private innerLoop(checked: ReadonlySet<Condition>): void {
    const { extent } = this.inner;
    const { unroll } = this.s;
    const turns = Math.floor(extent / unroll);
    const turn = new Axis("k", turns);
    if (turns > 0) this.nest.loop(turn, {}, () => this.turn(Index.of(turn).times(unroll), unroll, checked));
    if (extent % unroll > 0) this.turn(Index.of(turns * unroll), extent % unroll, checked);
  }

  /** `steps` steps of the inner axis from `from`: load, then multiply row block by row block. */
  private turn(from: Index, steps: number, checked: ReadonlySet<Condition>): void {
    const { nest, s } = this;
    const a = this.loadRows(from, steps, checked);
    const b = this.loadColumns(from, steps, checked);
    const block = new Axis("block", Math.ceil(s.tileRows / s.rowBlock));
    const step = new Axis("u", steps);
    const row = new Axis("r", s.rowBlock);
    const column = new Axis("c", 4);
    const whole = s.tileRows % s.rowBlock === 0;
    const loops = (body: (r: Index) => void) => {
      if (whole)
        nest.loop(block, { unroll: true }, () =>
          nest.loop(step, { unroll: true }, () =>
            nest.loop(row, { unroll: true }, () => body(Index.of(block).times(s.rowBlock).plus(row))),
          ),
        );
      else {
        const all = new Axis("r", s.tileRows);
        nest.loop(step, { unroll: true }, () => nest.loop(all, { unroll: true }, () => body(Index.of(all))));
      }
    };
    loops((r) => {
      const value = nest.let("a", a(r, Index.of(step)));
      nest.loop(column, { unroll: true }, () => {
        const at = [nest.index(r), nest.index(Index.of(column))];
        nest.push({
          kind: "assign",
          register: "acc",
          index: at,
          value: K.fma(value, b(Index.of(step), Index.of(column)), K.register("acc", at)),
        });
      });
    });
  }

  /** Which vector (or element) of the tile's part of the row operand lane `lane` holds in its i-th register. */
  private rowElement(i: Axis, steps: number, element: Axis): { row: Index; step: Index } {
    const { alongA, s } = this;
    const v = Index.of(i).times(s.threadColumns).plus(this.lane);
    if (alongA === "inner") {
      const quads = Math.ceil(steps / 4);
      return { row: v.div(quads), step: v.mod(quads).times(4).plus(element) };
    }
    const perStep = s.tileRows / 4;
    if (alongA === "tile") return { row: v.mod(perStep).times(4).plus(element), step: v.div(perStep) };
    return { row: v.div(steps), step: v.mod(steps) };
  }

  private rowLoads(steps: number): number {
    const { alongA, s } = this;
    const count =
      alongA === "inner"
        ? s.tileRows * Math.ceil(steps / 4)
        : alongA === "tile"
          ? (steps * s.tileRows) / 4
          : s.tileRows * steps;
    return Math.ceil(count / s.threadColumns);
  }

  /** Computes once what the addresses and guards of the row operand take from the tile, the lane and the row. */
  private hoistRows(steps: number): void {
    const { nest, c } = this;
    const loads = this.rowLoads(steps);
    const inner = new Set(c.inner);
    const indices = [c.a.address, ...c.a.read.guard.map((g) => g.index)];
    // Where an inner axis stands inside a division, there is nothing to take apart.
    if (indices.some((index) => c.inner.some((k) => index.coefficientOf(k) === undefined))) return;
    const i = new Axis("i", loads);
    const element = new Axis("x", 4);
    const { row, step } = this.rowElement(i, steps, element);
    const map = this.substitution(step, Index.of(this.rowTile).times(this.s.tileRows).plus(row), undefined);
    for (const k of inner) if (k !== this.inner) map.set(k, Index.of(0));
    const first = new Map([[element, Index.of(0)]]);
    const registers = indices.map((index, n) => {
      const scale = n === 0 && this.alongA !== "none" ? 4 : 1;
      const base = index.substitute(map).substitute(first).div(scale);
      // Worth a register only where it depends on which row this is.
      const name = nest.fresh(n === 0 ? "rowBase" : "rowGuard");
      nest.push({ kind: "registers", name, type: { dtype: "i32", width: 1 }, shape: [loads], initial: 0 });
      nest.loop(i, { unroll: true }, () =>
        nest.push({ kind: "assign", register: name, index: [nest.index(Index.of(i))], value: nest.index(base) }),
      );
      return { name, scale };
    });
    this.hoisted.set(steps, { registers });
  }

  /** Loads the tile's part of the row operand, spread over the lanes; gives element (row, step) by broadcast. */
  private loadRows(from: Index, steps: number, checked: ReadonlySet<Condition>) {
    const { nest, s, c, alongA } = this;
    const quads = Math.ceil(steps / 4);
    const loads = this.rowLoads(steps);
    const name = nest.fresh("rows");
    const width = alongA === "none" ? 1 : 4;
    nest.push({ kind: "registers", name, type: { dtype: "f32", width }, shape: [loads], initial: 0 });

    const i = new Axis("i", loads);
    const element = new Axis("x", 4);
    const vectorAxis = width === 4 ? element : undefined;
    const hoisted = this.hoisted.get(steps);
    nest.loop(i, { unroll: true }, () => {
      let value: KernelExpr;
      if (hoisted) {
        const indices = [c.a.address, ...c.a.read.guard.map((g) => g.index)].map((index, n) => {
          const { name: base, scale } = hoisted.registers[n];
          const axis = new Axis("base", 2 ** 31);
          nest.bind(axis, K.register(base, [nest.index(Index.of(i))], "i32"));
          let sum = Index.of(axis).times(scale);
          for (const k of c.inner)
            sum = sum.plus((k === this.inner ? from : Index.of(k)).times(index.coefficientOf(k)!));
          return n === 0 && vectorAxis ? sum.plus(vectorAxis) : sum;
        });
        value = this.loadAt(c.a, indices[0], indices.slice(1), checked, vectorAxis);
      } else {
        const { row, step } = this.rowElement(i, steps, element);
        const map = this.substitution(from.plus(step), Index.of(this.rowTile).times(s.tileRows).plus(row), undefined);
        value = this.loadGuarded(c.a, map, checked, vectorAxis);
      }
      nest.push({ kind: "assign", register: name, index: [nest.index(Index.of(i))], value });
    });

    return (row: Index, step: Index): KernelExpr => {
      const v =
        alongA === "inner"
          ? row.times(quads).plus(step.div(4))
          : alongA === "tile"
            ? step.times(s.tileRows / 4).plus(row.div(4))
            : row.times(steps).plus(step);
      const held = K.register(name, [nest.index(v.div(s.threadColumns))], "f32", width);
      const part = alongA === "inner" ? step.mod(4) : row.mod(4);
      const value = width === 4 ? K.component(held, nest.index(part)) : held;
      return K.broadcast(value, nest.index(v.mod(s.threadColumns)));
    };
  }

  /** Loads what this lane's columns need of the column operand; gives element (step, column). */
  private loadColumns(from: Index, steps: number, checked: ReadonlySet<Condition>) {
    const { nest, alongB } = this;
    const quads = Math.ceil(steps / 4);
    const base = Index.of(this.columnTile).times(this.s.threadColumns).plus(this.lane).times(4);
    const name = nest.fresh("columns");
    const width = alongB === "none" ? 1 : 4;
    const shape = alongB === "tile" ? [steps] : alongB === "inner" ? [4, quads] : [steps, 4];
    nest.push({ kind: "registers", name, type: { dtype: "f32", width }, shape, initial: 0 });
    const element = new Axis("x", 4);
    const outer = new Axis(alongB === "inner" ? "c" : "u", shape[0]);
    const second = new Axis(alongB === "inner" ? "q" : "c", shape[1] ?? 1);
    const body = () => {
      const step = alongB === "inner" ? Index.of(second).times(4).plus(element) : Index.of(outer);
      const column = alongB === "tile" ? element : alongB === "inner" ? outer : second;
      const map = this.substitution(from.plus(step), undefined, base.plus(column));
      const value = this.loadGuarded(this.c.b, map, checked, width === 4 ? element : undefined);
      const index = [outer, ...(shape.length > 1 ? [second] : [])].map((x) => nest.index(Index.of(x)));
      nest.push({ kind: "assign", register: name, index, value });
    };
    nest.loop(outer, { unroll: true }, () => (shape.length > 1 ? nest.loop(second, { unroll: true }, body) : body()));
    return (step: Index, column: Index): KernelExpr => {
      const at = (...index: Index[]) =>
        K.register(
          name,
          index.map((x) => nest.index(x)),
          "f32",
          width,
        );
      if (alongB === "tile") return K.component(at(step), nest.index(column));
      if (alongB === "inner") return K.component(at(column, step.div(4)), nest.index(step.mod(4)));
      return at(step, column);
    };
  }

  private loadGuarded(
    operand: Contraction["a"],
    map: ReadonlyMap<Axis, Index>,
    checked: ReadonlySet<Condition>,
    vectorAxis: Axis | undefined,
  ): KernelExpr {
    const guards = operand.read.guard.map((g) => g.index.substitute(map));
    return this.loadAt(operand, operand.address.substitute(map), guards, checked, vectorAxis);
  }

  /** Loads at an address; guards not yet checked outside the loops choose between it and the fill. */
  private loadAt(
    operand: Contraction["a"],
    at: Index,
    guards: readonly Index[],
    checked: ReadonlySet<Condition>,
    vectorAxis: Axis | undefined,
  ): KernelExpr {
    const { nest, table } = this;
    const { tensor, guard, fill } = operand.read;
    const storage = operand === this.c.a ? this.s.storageA : this.s.storageB;
    const loaded = loadValue(nest, table, tensor, at, vectorAxis, { storage });
    const open = guard.flatMap((g, n) => (checked.has(g) ? [] : [{ ...g, index: guards[n] }]));
    return open.length === 0 ? loaded : K.select(nest.conditions(open)!, loaded, K.constant(fill, "f32"));
  }

  private substitution(inner: Index, row: Index | undefined, column: Index | undefined): Map<Axis, Index> {
    const map = new Map<Axis, Index>([[this.inner, inner]]);
    if (row) spread(this.rowAxes, row, map);
    if (column) spread(this.c.columns, column, map);
    return map;
  }
}

/** Sets each of the axes, slowest first, from their flat number. */
export function spread(axes: readonly Axis[], flat: Index, into: Map<Axis, Index>): void {
  let stride = 1;
  for (const [i, axis] of axes.toReversed().entries()) {
    const quotient = flat.div(stride);
    into.set(axis, i === axes.length - 1 ? quotient : quotient.mod(axis.extent));
    stride *= axis.extent;
  }
}
