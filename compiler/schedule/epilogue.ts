/**
 * What happens to a contraction's finished tile: bias, relu, masks, the optimizer's update; then the stores. And before
 * it is begun, where its sums go on from others: the accumulators get those.
 */
import { Axis, extentOf, Index } from "../ir/index.ts";
import type { KernelExpr } from "../ir/kernel.ts";
import * as K from "../ir/kernelExpr.ts";
import { type Local, type UniformName, visitScalar } from "../ir/scalar.ts";
import { spread } from "./broadcast.ts";
import type { BufferTable } from "./buffers.ts";
import type { Contraction } from "./contraction.ts";
import type { Nest } from "./nest.ts";
import { ScalarEmitter, storeValue } from "./scalars.ts";

/** Where the results of a tile are. */
export interface TilePlace {
  readonly contraction: Contraction;
  readonly nest: Nest;
  readonly table: BufferTable;
  readonly uniforms: Set<UniformName>;
  readonly rowAxes: readonly Axis[];
  /** Flat number of the tile's first row. */
  readonly rowBase: Index;
  readonly tileRows: number;
  /** Rows that all tiles together cover. */
  readonly rowsCovered: number;
  /** Flat number of this invocation's first column. */
  readonly columnBase: Index;
  /** Columns that all tiles together cover: guards are needed where there are more than the output's. */
  readonly columnsCovered: number;
}

export interface Epilogue extends TilePlace {
  /** Rows one after another in a loop, from accumulators put into an array: short code, where code size is time. */
  readonly serialRows: boolean;
  /** The accumulators of a row: four columns, or one of them. */
  readonly vector: (row: Index) => KernelExpr;
  readonly element: (row: Index, column: Index) => KernelExpr;
}

/** Accumulators that are numbers: `acc[tileRows][4]`. */
export function inScalars(nest: Nest): Pick<Epilogue, "vector" | "element"> {
  const element = (row: Index, column: Index) => K.register("acc", [nest.index(row), nest.index(column)]);
  return { element, vector: (row) => K.vector([0, 1, 2, 3].map((k) => element(row, Index.of(k)))) };
}

/** Whether four columns are stored at once: where they are neighbours, and the last four whole. */
function inVectors({ contraction: c }: TilePlace): boolean {
  const single = c.columns.filter((x) => x.extent > 1).length === 1;
  const padded = c.columns.some((x) => c.exists.some((g) => g.index.axes().has(x)));
  return single && extentOf(c.columns) % 4 === 0 && !padded;
}

/** Gives an accumulator its number: four columns of a row, or the one of so many. */
type Assign = (row: Index, value: KernelExpr, column: number | undefined) => void;

/** Puts what the sums go on from into the accumulators, where they do not begin at 0. */
export function emitStart(place: TilePlace, assign: Assign): void {
  const { contraction: c, nest, table, uniforms, columnBase } = place;
  const { start } = c.reduce;
  if (!start) return;
  const columns = extentOf(c.columns);
  const load = (at: Index, element: Axis | undefined, column: number | undefined): void =>
    guarded(place, columnBase.plus(column ?? 0), columns, () => {
      const { row, flatRow, substitution } = rowOf(place, at);
      nest.loop(row, { unroll: true }, () => {
        const emitter = new ScalarEmitter({
          nest,
          table,
          substitution,
          vectorAxis: element,
          locals: new Map(),
          uniforms,
        });
        ifInside(place, flatRow, substitution, () => assign(Index.of(row), emitter.inner({}).emit(start), column));
      });
    });
  const element = new Axis("x", 4);
  if (inVectors(place)) load(columnBase.plus(element), element, undefined);
  else for (const column of [0, 1, 2, 3]) load(columnBase.plus(column), undefined, column);
}

/** Of accumulators that are numbers: `acc[tileRows][4]`. */
export const assignScalars =
  (nest: Nest): Assign =>
  (row, value, column) => {
    const assign = (k: number, part: KernelExpr) =>
      nest.push({ kind: "assign", register: "acc", index: [nest.index(row), K.int(k)], value: part });
    if (column !== undefined) return assign(column, value);
    const four = nest.let("start", value);
    for (const k of [0, 1, 2, 3]) assign(k, K.component(four, K.int(k)));
  };

/** Evaluates the stores' expressions for each row of accumulators, and stores. */
export function emitEpilogue(e: Epilogue): void {
  const { contraction: c, nest } = e;
  const columns = extentOf(c.columns);
  const element = new Axis("x", 4);
  if (inVectors(e)) return guarded(e, e.columnBase, columns, () => rows(e, e.columnBase.plus(element), element));
  // Columns one by one where four of them are not neighbours, or the last four not whole.
  const column = new Axis("c", 4);
  nest.loop(column, { unroll: true }, () => {
    const at = e.columnBase.plus(column);
    guarded(e, at, columns, () => rows(e, at, undefined, Index.of(column)));
  });
}

function guarded(e: TilePlace, column: Index, columns: number, body: () => void): void {
  if (e.columnsCovered === columns) return body();
  e.nest.if(K.lessThan(e.nest.index(column), K.int(columns)), body);
}

function rows(e: Epilogue, column: Index, element: Axis | undefined, accumulator?: Index): void {
  const { contraction: c, nest, table } = e;
  const { row, flatRow, substitution } = rowOf(e, column);
  const locals = new Map<Local, KernelExpr>();
  const emitter = new ScalarEmitter({
    nest,
    table,
    substitution,
    vectorAxis: element,
    locals,
    uniforms: e.uniforms,
  });
  // What is the same for all rows, a bias say, is read once. A single row reads under its guard: invocations of padding
  // rows would read what the one that has it writes in place.
  for (const store of extentOf(e.rowAxes) > 1 ? c.stores : [])
    visitScalar(store.expr, (s) => {
      const n = s.node;
      if (n.kind !== "read") return;
      const indices = [...n.index, ...n.guard.map((g) => g.index)].map((i) => i.substitute(substitution));
      if (indices.every((i) => i.coefficientOf(row) === 0)) emitter.emit(s);
    });

  const local = c.reduce.results[0];
  const tile = () => (accumulator ? e.element(Index.of(row), accumulator) : e.vector(Index.of(row)));
  const width = accumulator ? 1 : 4;
  const done = nest.fresh("done");
  if (e.serialRows) {
    const type = { dtype: "f32", width } as const;
    nest.push({ kind: "registers", name: done, type, shape: [e.tileRows], initial: 0, indexed: true });
    nest.loop(row, { unroll: true }, () =>
      nest.push({ kind: "assign", register: done, index: [nest.index(Index.of(row))], value: tile() }),
    );
  }
  nest.loop(row, { unroll: !e.serialRows }, () => {
    const one = () => {
      const value = e.serialRows ? K.register(done, [nest.index(Index.of(row))], "f32", width) : tile();
      locals.set(local, value);
      const inner = emitter.inner({});
      const values = c.stores.map((s) => nest.let("y", inner.emit(s.expr)));
      c.stores.forEach((s, i) => {
        const index = s.index.map((x) => x.substitute(substitution));
        storeValue(nest, table, s.value, table.address(s.value, index), values[i], element);
      });
    };
    ifInside(e, flatRow, substitution, one);
  });
}

/** The rows of a tile and where each is among all; what the axes are there, and in a column. */
function rowOf(e: TilePlace, column: Index) {
  const row = new Axis("r", e.tileRows);
  const flatRow = e.rowBase.plus(row);
  const substitution = new Map<Axis, Index>();
  spread(e.rowAxes, flatRow, substitution);
  spread(e.contraction.columns, column, substitution);
  return { row, flatRow, substitution };
}

/** What is done for the rows that there are: a tile may pass the last. */
function ifInside(e: TilePlace, flatRow: Index, substitution: ReadonlyMap<Axis, Index>, body: () => void): void {
  const { contraction: c, nest } = e;
  const count = extentOf(e.rowAxes);
  const exists = nest.conditions(c.exists.map((x) => ({ ...x, index: x.index.substitute(substitution) })));
  const inside = count === e.rowsCovered ? exists : K.both(exists, K.lessThan(nest.index(flatRow), K.int(count)));
  if (inside) nest.if(inside, body);
  else body();
}
