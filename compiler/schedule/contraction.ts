/**
 * What a contraction is to a schedule: out[batch, rows, columns] = sum over inner of A[batch, rows, inner] *
 * B[batch, columns, inner]. Convolutions, their gradients and dense layers all come out as this.
 */
import type { FusedProgram, Group, ReduceStep, StoreStep } from "../ir/fused.ts";
import { type Axis, extentOf, type Index } from "../ir/index.ts";
import { type Condition, type ReadNode, readsOf, type Scalar } from "../ir/scalar.ts";
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
  /** What must hold where results are stored: axes may pass the ends of the output. */
  readonly exists: readonly Condition[];
  /** Products of the sums as they are defined, without what tiles and axes add. */
  readonly products: number;
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

/** Sees a group as a contraction, with its axes normalised; undefined where it is none, or one not worth a tile. */
export function asContraction(group: Group, layouts: FusedProgram["layouts"]): Contraction | undefined {
  const [first] = group.steps;
  if (first.kind !== "reduce" || first.combiner !== "sum" || !productOf(first.body)) return undefined;
  if (group.steps.some((s, i) => (i > 0 && s.kind !== "store") || (s.kind === "store" && s.axes.length > 0)))
    return undefined;

  const { group: normal, exists } = joinAxes(splitAxes(group), layouts);
  const reduce = normal.steps[0] as ReduceStep;
  const stores = normal.steps.slice(1) as StoreStep[];
  const operands = productOf(reduce.body)!.map(
    (read): Operand => ({ read: withRemainders(read), address: address(read.tensor, read.index, layouts) }),
  );
  // What is not read must count for nothing: tiles leave products out.
  if (operands.some(({ read }) => read.tensor.type.dtype !== "f32" || read.fill !== 0 || readsData(read)))
    return undefined;
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
  const sieves = new Set(operands.flatMap((o) => sieveAxes(o.read, normal.axes)));
  const batch = normal.axes.filter((x) => hasA.has(x) === hasB.has(x) || (sieves.has(x) && x !== columnAxis));
  const alone = (has: ReadonlySet<Axis>) => slowestFirst(normal.axes.filter((x) => has.has(x) && !batch.includes(x)));
  const [rows, columns] = [alone(hasA), alone(hasB)];
  if (extentOf(reduce.axes) < leastInner) return undefined;
  const products = extentOf(group.axes) * extentOf(first.axes);
  return { group: normal, reduce, stores, a, b, batch, rows, columns, inner: reduce.axes, exists, products, layouts };
}

/** Conditions of divisibility on what decides them: 2 h + g is even where g is. */
const withRemainders = (read: ReadNode): ReadNode => ({
  ...read,
  guard: read.guard.map((c) => (c.kind === "divisible" ? { ...c, index: c.index.mod(c.by) } : c)),
});

/** Axes that alone decide a condition of divisibility: one value in so many counts, so all of a tile must have the same. */
const sieveAxes = (read: ReadNode, outer: readonly Axis[]): Axis[] =>
  read.guard.flatMap((c) => {
    const axes = c.kind === "divisible" ? [...c.index.axes()] : [];
    return axes.every((x) => outer.includes(x)) ? axes : [];
  });

const readsData = (read: ReadNode): boolean => read.index.some((i) => i.dataScalars().length > 0);

/** The reads of the stores' expressions, for hoisting what does not change along the rows. */
export const epilogueReads = (c: Contraction): ReadNode[] => c.stores.flatMap((s) => readsOf(s.expr));
