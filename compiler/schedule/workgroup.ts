/**
 * A contraction tile for one workgroup: the operands' parts go through workgroup memory, each invocation keeps a register
 * tile. The shape for real GPUs, and for any adapter whose subgroups are not known. The inner axes run as one flat
 * number, `unroll` of them at a time.
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
import { assignScalars, emitEpilogue, emitStart, inScalars } from "./epilogue.ts";
import { bindAxes, flatGrid } from "./grid.ts";
import { inPlacePairs } from "./inPlace.ts";
import { mayBeMesa, Nest } from "./nest.ts";
import { loadValue } from "./scalars.ts";
import type { ContractionSchedule } from "./tile.ts";
import { shareOfTurns, tileLoops } from "./tileLoops.ts";

export function scheduleWorkgroup(
  c: Contraction,
  schedule: ContractionSchedule,
  program: FusedProgram,
  target: Target,
): Kernel {
  return withStableWidths(program.layouts, (table) => build(c, schedule, table, target));
}

function build(c: Contraction, s: ContractionSchedule, table: BufferTable, target: Target): Kernel {
  const nest = new Nest(target, table.names);
  const uniforms = new Set<UniformName>();
  const threads = s.threadRows * s.threadColumns;
  const blockRows = s.tileRows * s.threadRows;
  const blockColumns = 4 * s.threadColumns;
  const depth = s.unroll;
  const rowTile = new Axis("rowTile", Math.ceil(extentOf(c.rows) / blockRows));
  const columnTile = new Axis("columnTile", Math.ceil(extentOf(c.columns) / blockColumns));
  const gridAxes = [columnTile, rowTile, ...c.batch.toReversed()];
  const tiles = gridAxes.reduce((n, x) => n * x.extent, 1);
  const grid = flatGrid(tiles, target.limits.maxComputeWorkgroupsPerDimension);

  const local = new Axis("local", threads);
  nest.bind(local, nest.let("thread", K.builtin("local")));
  const flat = nest.let("tile", grid.id);
  // Barriers want all invocations, so none may leave where ids pass the count.
  bindAxes(nest, flat, gridAxes, grid.overshoots);

  const guards = [...c.a.read.guard, ...c.b.read.guard];
  const outer = outerAxes(c, guards, depth);
  const flatInner = c.inner.filter((k) => !outer.includes(k));
  const free = new Set([...flatInner, ...c.rows, ...c.columns]);
  const terms = extentOf(flatInner);
  const block = new Axis("block", Math.ceil(terms / depth));
  nest.push({
    kind: "registers",
    name: "acc",
    type: { dtype: "f32", width: 1 },
    shape: [s.tileRows, 4],
    initial: 0,
  });
  const rowBase = Index.of(rowTile).times(blockRows);
  const columnBase = Index.of(columnTile).times(blockColumns);
  const threadRow = Index.of(local).div(s.threadColumns);
  const threadColumn = Index.of(local).mod(s.threadColumns);

  const place = {
    contraction: c,
    nest,
    table,
    uniforms,
    rowAxes: c.rows,
    rowBase: rowBase.plus(threadRow.times(s.tileRows)),
    tileRows: s.tileRows,
    rowsCovered: rowTile.extent * blockRows,
    columnBase: columnBase.plus(threadColumn.times(4)),
    columnsCovered: columnTile.extent * blockColumns,
  };
  const inGrid = (body: () => void): void => (grid.overshoots ? nest.if(K.lessThan(flat, K.int(tiles)), body) : body());
  if (c.reduce.start) inGrid(() => emitStart(place, assignScalars(nest)));

  /** Copies [depth][extent] elements of an operand into workgroup memory, all invocations together. */
  const fetch = (
    name: string,
    operand: Operand,
    axes: readonly Axis[],
    base: Index,
    extent: number,
    checked: ReadonlySet<Condition>,
  ): void => {
    const turn = new Axis("t", Math.ceil((depth * extent) / threads));
    nest.loop(turn, { unroll: !mayBeMesa(target) }, () => {
      const e = Index.of(turn).times(threads).plus(local);
      // Neighbouring invocations read what lies side by side in memory.
      const innerFirst = c.inner.some((k) => operand.address.coefficientOf(k) === 1);
      const [step, place] = innerFirst ? [e.mod(depth), e.div(depth)] : [e.div(extent), e.mod(extent)];
      const inner = Index.of(block).times(depth).plus(step);
      const map = new Map<Axis, Index>();
      spread(flatInner, inner, map);
      spread(axes, base.plus(place), map);
      const whole = (depth * extent) % threads === 0;
      const copy = () => {
        const loaded = loadValue(nest, table, operand.read.tensor, operand.address.substitute(map));
        const open = operand.read.guard.filter((g) => !checked.has(g));
        const guard = open.map((g) => ({ ...g, index: g.index.substitute(map) }));
        let inside: KernelExpr | undefined = nest.conditions(guard);
        // Past the last term both operands are 0.
        if (terms % depth !== 0) inside = K.both(inside, K.lessThan(nest.index(inner), K.int(terms)));
        const value = inside ? K.select(inside, loaded, K.constant(operand.read.fill, "f32")) : loaded;
        const index = nest.index(step.times(extent).plus(place));
        nest.push({ kind: "sharedStore", array: name, index, value });
      };
      if (whole) copy();
      else nest.if(K.lessThan(nest.index(e), K.int(depth * extent)), copy);
    });
  };

  const turn = (checked: ReadonlySet<Condition>) => {
    fetch("sharedA", c.a, c.rows, rowBase, blockRows, checked);
    fetch("sharedB", c.b, c.columns, columnBase, blockColumns, checked);
    nest.push({ kind: "barrier" });
    const step = new Axis("k", depth);
    nest.loop(step, {}, () => {
      const shared = (array: string, index: Index): KernelExpr => ({
        kind: "sharedLoad",
        array,
        index: nest.index(index),
        dtype: "f32",
        width: 1,
      });
      const row = new Axis("r", s.tileRows);
      const column = new Axis("c", 4);
      nest.push({ kind: "registers", name: "b", type: { dtype: "f32", width: 1 }, shape: [4], initial: 0 });
      nest.loop(column, { unroll: true }, () =>
        nest.push({
          kind: "assign",
          register: "b",
          index: [nest.index(Index.of(column))],
          value: shared("sharedB", Index.of(step).times(blockColumns).plus(threadColumn.times(4)).plus(column)),
        }),
      );
      nest.loop(row, { unroll: true }, () => {
        const a = nest.let(
          "a",
          shared("sharedA", Index.of(step).times(blockRows).plus(threadRow.times(s.tileRows)).plus(row)),
        );
        nest.loop(column, { unroll: true }, () => {
          const at = [nest.index(Index.of(row)), nest.index(Index.of(column))];
          const b = K.register("b", [at[1]]);
          nest.push({ kind: "assign", register: "acc", index: at, value: K.fma(a, b, K.register("acc", at)) });
        });
      });
    });
    nest.push({ kind: "barrier" });
  };
  tileLoops({ nest, guards, free, body: (checked) => nest.loop(block, {}, () => turn(checked)) }, outer);

  inGrid(() => emitEpilogue({ ...place, serialRows: s.serialRows, ...inScalars(nest) }));

  const padded = rowTile.extent * blockRows * columnTile.extent * blockColumns * extentOf(c.batch);
  const turns = extentOf(outer) * block.extent * depth;
  return {
    name: c.group.name,
    workgroupSize: threads,
    workgroups: grid.workgroups,
    buffers: table.buffers(),
    shared: [
      { name: "sharedA", type: { dtype: "f32", width: 1 }, length: depth * blockRows },
      { name: "sharedB", type: { dtype: "f32", width: 1 }, length: depth * blockColumns },
    ],
    uniforms: [...uniforms].sort(),
    body: nest.statements,
    schedule: s,
    locations: c.group.locations,
    ops: c.group.ops,
    operations: 2 * c.products,
    executedOperations: Math.round(2 * padded * turns * shareOfTurns(guards, free)),
    inPlace: inPlacePairs(c.group, table),
  };
}

/**
 * Inner axes that get loops of their own, since conditions on them are the same for a whole tile; the others run as one
 * flat number, if enough of them are left for that.
 */
export function outerAxes(c: Contraction, guards: readonly Condition[], depth: number): readonly Axis[] {
  const along = new Set([...c.rows, ...c.columns]);
  const ofTiles = guards.map((g) => g.index.axes()).filter((axes) => [...axes].every((x) => !along.has(x)));
  const outer = c.inner.filter((k) => ofTiles.some((axes) => axes.has(k)));
  return extentOf(c.inner) / extentOf(outer) >= depth ? outer : [];
}
