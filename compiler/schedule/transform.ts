/**
 * The schedule of a linear transform by constant matrices: out[o1, o2] = sum over i1, i2 of M1[o1, i1] M2[o2, i2] x.
 * One invocation does a whole tile, one matrix after the other, so that each element is loaded and stored once.
 */
import type { Target } from "../../runtime/program/schema.ts";
import type { FusedProgram, Group, ReduceStep, StoreStep } from "../ir/fused.ts";
import { Axis, extentOf, Index } from "../ir/index.ts";
import type { Kernel, KernelExpr, Width } from "../ir/kernel.ts";
import * as K from "../ir/kernelExpr.ts";
import {
  type Condition,
  hasTables,
  indicesOf,
  type Local,
  type Scalar,
  type Table,
  type UniformName,
  visitScalar,
} from "../ir/scalar.ts";
import { vectorsAreLanes } from "../target/kind.ts";
import { address, type BufferTable, withStableWidths } from "./buffers.ts";
import { flatGrid } from "./grid.ts";
import { inPlacePairs } from "./inPlace.ts";
import { Nest } from "./nest.ts";
import { joinAxes } from "./normalize.ts";
import { ScalarEmitter, storeValue } from "./scalars.ts";

/** One matrix: from positions along reduction axes to positions along an axis of what is stored. */
interface Side {
  /** [outputs] rows, one column for each point of `inputs`, row-major. */
  readonly matrix: Table;
  readonly inputs: readonly Axis[];
  /** The axis of the group along which the outputs lie. */
  readonly axis: Axis;
  /** The number of the tile along it, where there are several. */
  readonly tile?: Axis;
  /** Where output `o` of the tile lies on the axis; may pass its ends. */
  readonly place: (o: Index) => Index;
}

interface Transform {
  readonly group: Group;
  readonly reduce: ReduceStep;
  readonly stores: readonly StoreStep[];
  readonly sides: readonly [Side, Side];
  /** What is transformed. */
  readonly body: Scalar;
}

type TableNode = Extract<Scalar["node"], { kind: "table" }>;

/** Sees a group as a transform; undefined where it is none. */
export function asTransform(group: Group, layouts: FusedProgram["layouts"]): Transform | undefined {
  const [first] = group.steps;
  if (first.kind !== "reduce" || first.combiner !== "sum" || first.start || !hasTables(first.body)) return undefined;
  const normal = joinAxes({ group, exists: [] }, layouts).group;
  const [reduce, ...stores] = normal.steps as [ReduceStep, ...StoreStep[]];
  const factors = factorsOf(reduce.body);
  const tables = factors.flatMap((f) => (f.node.kind === "table" ? [f.node] : []));
  const rest = factors.filter((f) => f.node.kind !== "table");
  const sides = tables.map((t) => sideOf(t, normal.axes, reduce.axes));
  const [rows, columns] = sides;
  const simple = stores.every((s) => s.kind === "store" && s.axes.length === 0);
  if (sides.length !== 2 || !rows || !columns || rest.length !== 1 || !simple) return undefined;
  const [body] = rest;
  return [rows, columns].every((s) => isSameForTile(body, s))
    ? { group: normal, reduce, stores, sides: [rows, columns], body }
    : undefined;
}

/** Whether what is transformed does not depend on which of the tile's outputs is computed. */
function isSameForTile(body: Scalar, side: Side): boolean {
  const output = new Axis("o", side.matrix.length);
  const map = new Map([[side.axis, side.place(Index.of(output))]]);
  let same = true;
  visitScalar(body, ({ node }) => {
    for (const index of indicesOf(node)) if (index.substitute(map).axes().has(output)) same = false;
  });
  return same;
}

const factorsOf = (s: Scalar): Scalar[] =>
  s.node.kind === "binary" && s.node.op === "mul" ? [...factorsOf(s.node.a), ...factorsOf(s.node.b)] : [s];

/** The table's index over the group's axes says where outputs lie; the one over the reduction's, what they come from. */
function sideOf(t: TableNode, axes: readonly Axis[], reduced: readonly Axis[]): Side | undefined {
  const over = (index: Index, wanted: readonly Axis[]) => [...index.axes()].every((x) => wanted.includes(x));
  const inputs = reduced.filter((x) => t.column.axes().has(x));
  if (!over(t.row, axes) || !over(t.column, reduced) || inputs.length === 0) return undefined;
  const [axis, ...others] = t.row.axes();
  if (!axis || others.length > 0) return undefined;
  const [{ atom, coefficient }, ...terms] = t.row.terms;
  if (terms.length > 0 || coefficient !== 1 || t.row.constant !== 0) return undefined;
  const matrix = t.values.map((row) => points(inputs).map((p) => row[valueAt(t.column, p)]));

  if (atom.kind === "axis") return { matrix, inputs, axis, place: (o) => o };
  if (atom.kind !== "mod" && atom.kind !== "floorDiv") return undefined;
  const shift = atom.of.minus(axis);
  if (!shift.isConstant()) return undefined;
  const { by } = atom;
  if (atom.kind === "floorDiv") {
    // Positions by, 2 by, ... apart: which of the `by` residues is the tile's.
    const tile = new Axis(`${axis.name}r`, by);
    return { matrix, inputs, axis, tile, place: (o) => o.times(by).plus(tile).minus(shift.constant) };
  }
  const tile = new Axis(`${axis.name}t`, Math.ceil((axis.extent + shift.constant) / by));
  return { matrix, inputs, axis, tile, place: (o) => o.plus(Index.of(tile).times(by)).minus(shift.constant) };
}

/** Every point of some axes, row-major. */
function points(axes: readonly Axis[]): Map<Axis, Index>[] {
  return axes.reduce<Map<Axis, Index>[]>(
    (all, axis) => all.flatMap((p) => Array.from({ length: axis.extent }, (_, i) => new Map(p).set(axis, Index.of(i)))),
    [new Map()],
  );
}

/** The number of a point among those of some axes, row-major. */
const flatPoint = (axes: readonly Axis[], point: ReadonlyMap<Axis, Index>): Index =>
  axes.reduce((sum, axis) => sum.times(axis.extent).plus(point.get(axis)!), Index.of(0));

const valueAt = (index: Index, point: ReadonlyMap<Axis, Index>): number => index.substitute(point).constant;

export function scheduleTransform(t: Transform, program: FusedProgram, target: Target): Kernel {
  return withStableWidths(program.layouts, (table) => new Builder(t, table, target).build());
}

class Builder {
  private readonly nest: Nest;
  private readonly uniforms = new Set<UniformName>();
  private readonly width: Width;
  private readonly vectorAxis: Axis | undefined;
  /** Which of the vectors of an invocation, where it has several: together they fill a line of the cache, which what is
   * stored far apart would otherwise be fetched for again and again. */
  private readonly vectors: Axis;
  /** Loops rather than unrolled code: on software drivers code is time. */
  private readonly serial: boolean;
  /** What axes of the group are where they are not axes of the grid: the fastest one, where it goes by fours. */
  private readonly base = new Map<Axis, Index>();

  constructor(
    private readonly t: Transform,
    private readonly table: BufferTable,
    private readonly target: Target,
  ) {
    this.nest = new Nest(target, table.names);
    const real = ["discrete", "integrated", "mobile"].includes(target.class);
    this.serial = !real;
    const fastest = this.memoryOrder().at(-1);
    // Where invocations are lanes of a vector already, four elements each leave them fewer registers: docs/performance.md.
    const vector = vectorsAreLanes(target) && fastest && fastest.coefficient === 1 && fastest.axis.extent % 4 === 0;
    this.width = vector ? 4 : 1;
    this.vectorAxis = vector ? new Axis("lane", 4) : undefined;
    const inLine = [4, 2].find((n) => vector && fastest.axis.extent % (4 * n) === 0);
    this.vectors = new Axis("v", inLine ?? 1);
  }

  /** Axes of the grid from slowest to fastest in the memory of what is stored. */
  private memoryOrder(): { axis: Axis; coefficient: number }[] {
    const { group, stores, sides } = this.t;
    const at = address(stores[0].value, stores[0].index, this.table.layouts);
    const [rows, columns] = sides;
    return group.axes
      .flatMap((axis) => {
        const side = axis === rows.axis ? rows : axis === columns.axis ? columns : undefined;
        const here = side ? side.tile : axis;
        return here && here.extent > 1 ? [{ axis: here, coefficient: at.coefficientOf(axis) ?? 0 }] : [];
      })
      .sort((a, b) => b.coefficient - a.coefficient);
  }

  build(): Kernel {
    const { t, nest, table, width, target } = this;
    const order = this.memoryOrder();
    const lanes = width * this.vectors.extent;
    const count = extentOf(order.map((o) => o.axis)) / lanes;
    const { limits } = target;
    const workgroupSize = Math.min(64, limits.maxComputeInvocationsPerWorkgroup, 2 ** Math.ceil(Math.log2(count)));
    const grid = flatGrid(Math.ceil(count / workgroupSize), limits.maxComputeWorkgroupsPerDimension);
    const flat = nest.let("element", K.add(K.multiply(grid.id, workgroupSize), K.builtin("local")));
    const bindGrid = () => {
      let stride = 1;
      for (const [i, { axis }] of order.toReversed().entries()) {
        const inFours = i === 0 && this.vectorAxis;
        const extent = inFours ? axis.extent / lanes : axis.extent;
        const turn = inFours ? new Axis(axis.name, extent) : axis;
        // The slowest axis needs no remainder, but is then seen to stay inside its extent.
        if (extent > 1) nest.bind(turn, nest.let(axis.name, K.remainder(K.divide(flat, stride), extent)));
        if (inFours)
          this.base.set(axis, Index.of(turn).times(lanes).plus(Index.of(this.vectors).times(4)).plus(inFours));
        stride *= extent;
      }
    };
    const body = () => {
      bindGrid();
      this.firstSide();
      this.secondSide();
    };
    if (count % workgroupSize !== 0 || grid.overshoots) nest.if(K.lessThan(flat, K.int(count)), body);
    else body();

    const [rows, columns] = t.sides;
    const [i1, i2] = t.sides.map((s) => extentOf(s.inputs));
    const [o1, o2] = t.sides.map((s) => s.matrix.length);
    const operations = 2 * count * lanes * (o1 * i1 * i2 + o1 * o2 * i2);
    return {
      name: t.group.name,
      workgroupSize,
      workgroups: grid.workgroups,
      buffers: table.buffers(),
      shared: [],
      uniforms: [...this.uniforms].sort(),
      body: nest.statements,
      schedule: {
        kind: "transform",
        workgroupSize,
        vector: lanes,
        serial: this.serial,
        rows: `${rows.matrix.length}x${i1}`,
        columns: `${columns.matrix.length}x${i2}`,
      },
      locations: t.group.locations,
      ops: t.group.ops,
      operations,
      inPlace: inPlacePairs(t.group, table),
    };
  }

  private emitter(map: ReadonlyMap<Axis, Index>, locals: ReadonlyMap<Local, KernelExpr> = new Map()): ScalarEmitter {
    const { nest, table, vectorAxis, uniforms } = this;
    return new ScalarEmitter({ nest, table, substitution: map, vectorAxis, locals, uniforms });
  }

  /** Loops over axes, serial or unrolled here: `body` gets each axis's position. */
  private over(axes: readonly Axis[], body: (point: Map<Axis, Index>) => void): void {
    if (!this.serial) {
      for (const p of points(axes)) body(p);
      return;
    }
    const loops = (rest: readonly Axis[], point: Map<Axis, Index>): void => {
      const [axis, ...more] = rest;
      if (!axis) return body(point);
      if (axis.extent === 1) return loops(more, new Map(point).set(axis, Index.of(0)));
      const turn = new Axis(axis.name, axis.extent);
      this.nest.loop(turn, {}, () => loops(more, new Map(point).set(axis, Index.of(turn))));
    };
    loops(axes, new Map());
  }

  /** part[o1, i2] = sum over i1 of M1[o1, i1] x[i1, i2] */
  private firstSide(): void {
    const { nest, t, width } = this;
    const [rows, columns] = t.sides;
    const perRow = extentOf(columns.inputs);
    const shape = [rows.matrix.length * perRow * this.vectors.extent];
    nest.push({
      kind: "registers",
      name: "part",
      type: { dtype: "f32", width },
      shape,
      initial: 0,
      ...(this.serial ? { indexed: true } : {}),
    });
    this.over([...columns.inputs, this.vectors], (second) => {
      const loaded = points(rows.inputs).map((first) => {
        const base = [...this.base].map(([axis, at]) => [axis, at.substitute(second)] as const);
        const map = new Map([...base, ...first, ...second]);
        return this.widened(this.emitter(this.tiles(map)).emit(t.body));
      });
      rows.matrix.forEach((row, o) => {
        const at = this.inPart(flatPoint(columns.inputs, second).plus(o * perRow), second);
        nest.push({ kind: "assign", register: "part", index: [nest.index(at)], value: this.combined(row, loaded) });
      });
    });
  }

  /** out[o1, o2] = sum over i2 of M2[o2, i2] part[o1, i2], and what becomes of it. */
  private secondSide(): void {
    const { nest, t, width } = this;
    const [rows, columns] = t.sides;
    const perRow = extentOf(columns.inputs);
    const row = new Axis(rows.axis.name, rows.matrix.length);
    this.over([row, this.vectors], (point) => {
      const o1 = point.get(row)!;
      const values = Array.from({ length: perRow }, (_, i) =>
        nest.let("v", K.register("part", [nest.index(this.inPart(o1.times(perRow).plus(i), point))], "f32", width)),
      );
      const base = new Map([...this.base].map(([axis, at]) => [axis, at.substitute(point)]));
      const first = rows.place(o1).substitute(base);
      this.within(rows.axis, first, () =>
        columns.matrix.forEach((coefficients, o) => {
          const second = columns.place(Index.of(o)).substitute(base);
          const result = nest.let("out", this.combined(coefficients, values));
          this.within(columns.axis, second, () =>
            this.store(new Map(base).set(rows.axis, first).set(columns.axis, second), result),
          );
        }),
      );
    });
  }

  /** Where a part of one of the vectors lies among all of them. */
  private inPart(at: Index, point: ReadonlyMap<Axis, Index>): Index {
    return at.times(this.vectors.extent).plus(point.get(this.vectors) ?? 0);
  }

  private store(map: ReadonlyMap<Axis, Index>, result: KernelExpr): void {
    const { nest, table, t, vectorAxis } = this;
    const emitter = this.emitter(map, new Map([[t.reduce.results[0], result]]));
    const values = t.stores.map((s) => emitter.emit(s.expr));
    t.stores.forEach((s, i) => {
      const index = s.index.map((x) => x.substitute(map));
      storeValue(nest, table, s.value, table.address(s.value, index), values[i], vectorAxis);
    });
  }

  /** The sides' axes at the beginning of the tile, which is as good as any other place in it. */
  private tiles(map: ReadonlyMap<Axis, Index>): Map<Axis, Index> {
    const all = new Map(map);
    for (const side of this.t.sides) all.set(side.axis, side.place(Index.of(0)).substitute(this.base));
    return all;
  }

  /** The sum of values times constant coefficients, in order. */
  private combined(coefficients: readonly number[], values: readonly KernelExpr[]): KernelExpr {
    let sum: KernelExpr | undefined;
    coefficients.forEach((c, i) => {
      if (c === 0) return;
      const value = values[i];
      if (Math.abs(c) === 1 && sum) sum = K.binary(c === 1 ? "add" : "sub", sum, value, "f32");
      else if (sum) sum = K.fma(this.widened(K.constant(c, "f32")), value, sum);
      else if (c === 1) sum = value;
      else sum = K.binary("mul", value, this.widened(K.constant(c, "f32")), "f32");
    });
    return sum ?? this.widened(K.constant(0, "f32"));
  }

  private widened(value: KernelExpr): KernelExpr {
    return this.width === 4 ? K.splat(value) : value;
  }

  /** Emits under the condition that a place lies on its axis, where that is not certain. */
  private within(axis: Axis, place: Index, body: () => void): void {
    const { low, high } = place.interval();
    const conditions: Condition[] = [];
    if (low < 0) conditions.push({ kind: "nonNegative", index: place });
    if (high >= axis.extent) conditions.push({ kind: "nonNegative", index: Index.of(axis.extent - 1).minus(place) });
    if (conditions.length === 0) return body();
    this.nest.if(this.nest.conditions(conditions)!, body);
  }
}
