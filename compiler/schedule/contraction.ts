/**
 * What a contraction is to a schedule: out[batch, rows, columns] = sum over inner of A[batch, rows, inner] *
 * B[batch, columns, inner]. Convolutions, their gradients and dense layers all come out as this.
 */
import type { FusedProgram, Group, ReduceStep, StoreStep } from "../ir/fused.ts";
import type { Axis, Index } from "../ir/index.ts";
import { type ReadNode, readsOf, type Scalar } from "../ir/scalar.ts";
import { address } from "./buffers.ts";
import { joinAxes, splitAxes } from "./normalize.ts";

export interface Operand {
  readonly read: ReadNode;
  /** Address in memory over the group's axes. */
  readonly address: Index;
}

export interface Contraction {
  readonly group: Group;
  readonly reduce: ReduceStep;
  readonly stores: readonly StoreStep[];
  /** The operand whose elements go to rows of the tile, and the one whose go to its columns. */
  readonly a: Operand;
  readonly b: Operand;
  readonly batch: readonly Axis[];
  readonly rows: readonly Axis[];
  readonly columns: readonly Axis[];
  readonly inner: readonly Axis[];
  /** Of the values read and stored. */
  readonly layouts: FusedProgram["layouts"];
}

/** Fewer products than this for each output, or fewer columns, and a tile has nothing to reuse. */
const leastInner = 4;
const leastColumns = 4;

const productOf = (body: Scalar): [ReadNode, ReadNode] | undefined => {
  const n = body.node;
  if (n.kind !== "binary" || n.op !== "mul") return undefined;
  if (n.a.node.kind !== "read" || n.b.node.kind !== "read") return undefined;
  return [n.a.node, n.b.node];
};

export const extentOf = (axes: readonly Axis[]): number => axes.reduce((n, a) => n * a.extent, 1);

/** Sees a group as a contraction, with its axes normalised; undefined where it is none, or one not worth a tile. */
export function asContraction(group: Group, layouts: FusedProgram["layouts"]): Contraction | undefined {
  const [first] = group.steps;
  if (first.kind !== "reduce" || first.combiner !== "sum" || !productOf(first.body)) return undefined;
  if (group.steps.some((s, i) => (i > 0 && s.kind !== "store") || (s.kind === "store" && s.axes.length > 0)))
    return undefined;

  const normal = joinAxes(splitAxes(group), layouts);
  const reduce = normal.steps[0] as ReduceStep;
  const stores = normal.steps.slice(1) as StoreStep[];
  const operands = productOf(reduce.body)!.map(
    (read): Operand => ({ read, address: address(read.tensor, read.index, layouts) }),
  );
  if (operands.some((o) => o.read.tensor.type.dtype !== "f32" || readsData(o.read))) return undefined;
  const [has0, has1] = operands.map((o) => {
    const axes = o.address.axes();
    for (const c of o.read.guard) c.index.axes(axes);
    return axes;
  });
  // Columns run along the fastest axis of what is stored, so that stores are vectors, if there are enough of them.
  const out = address(stores[0].value, stores[0].index, layouts);
  const fastest = normal.axes.filter((x) => x.extent > 1 && has0.has(x) !== has1.has(x));
  const weight = (x: Axis) => out.coefficientOf(x) || Number.POSITIVE_INFINITY;
  const beside = (x: Axis) => extentOf(fastest.filter((y) => has0.has(y) === has0.has(x)));
  const columnAxis = fastest.sort((x, y) => weight(x) - weight(y)).find((x) => beside(x) >= leastColumns);
  if (!columnAxis) return undefined;
  const columnsIn0 = has0.has(columnAxis);
  const [a, b] = columnsIn0 ? [operands[1], operands[0]] : operands;
  const [hasA, hasB] = columnsIn0 ? [has1, has0] : [has0, has1];

  const slowestFirst = (axes: Axis[]) => axes.sort((x, y) => (out.coefficientOf(y) ?? 0) - (out.coefficientOf(x) ?? 0));
  const batch = normal.axes.filter((x) => hasA.has(x) === hasB.has(x));
  const columns = slowestFirst(normal.axes.filter((x) => hasB.has(x) && !hasA.has(x)));
  const rows = slowestFirst(normal.axes.filter((x) => hasA.has(x) && !hasB.has(x)));
  if (extentOf(reduce.axes) < leastInner) return undefined;
  return { group: normal, reduce, stores, a, b, batch, rows, columns, inner: reduce.axes, layouts };
}

const readsData = (read: ReadNode): boolean => read.index.some((i) => i.dataScalars().length > 0);

/** The reads of the stores' expressions, for hoisting what does not change along the rows. */
export const epilogueReads = (c: Contraction): ReadNode[] => c.stores.flatMap((s) => readsOf(s.expr));
