/** Which groups can be computed for a few pictures at a time, and along which axes. */
import { type FusedProgram, type Group, scalarsOf } from "../../ir/fused.ts";
import { type Axis, Index } from "../../ir/index.ts";
import { indicesOf, type ReadNode, readsOf, visitScalar } from "../../ir/scalar.ts";
import type { Value } from "../../ir/types.ts";

/** How a group goes over the pictures of a batch. */
export type Slicing =
  /** Every picture by itself. */
  | { readonly kind: "each"; readonly axis: Axis }
  /** A sum over pictures, one after another. */
  | { readonly kind: "sum"; readonly axis: Axis }
  /** Several sums, each over pictures that follow each other: picture `axis.extent * parts + axis`. */
  | { readonly kind: "partial sums"; readonly parts: Axis; readonly axis: Axis };

export interface BatchUse {
  /** Pictures in a batch. */
  readonly batch: number;
  /** Of each value with a picture's own numbers for each picture: the dimension of the pictures. */
  readonly dimensions: ReadonlyMap<Value, number>;
  /** By group; undefined where it must see all pictures at once, or sees none. */
  readonly slicings: readonly (Slicing | undefined)[];
}

/** What follows from the inputs whose first dimension is the batch; undefined where there is none. */
export function batchUse({ inputs, groups }: FusedProgram): BatchUse | undefined {
  const batched = inputs.filter(({ kind }) => kind === "input" || kind === "cotangent" || kind === "labels");
  const batch = batched[0]?.value.type.shape[0];
  if (batch === undefined) return undefined;
  const external = new Set(inputs.filter((i) => i.kind === "labels").map((i) => i.value));
  const dimensions = new Map<Value, number>();
  for (const { value } of batched) if (value.type.shape[0] === batch) dimensions.set(value, 0);
  const slicings = groups.map((group) => {
    const slicing = slicingOf(group, batch, dimensions);
    if (slicing?.kind === "each")
      for (const step of group.steps)
        if (step.kind === "store") dimensions.set(step.value, dimensionOf(step.index, slicing.axis)!);
    const reads = group.steps.flatMap((step) => scalarsOf(step).flatMap(readsOf));
    return reads.some((read) => external.has(read.tensor)) ? undefined : slicing;
  });
  return { batch, dimensions, slicings };
}

function slicingOf(group: Group, batch: number, dimensions: ReadonlyMap<Value, number>): Slicing | undefined {
  const reads = group.steps.flatMap((step) => scalarsOf(step).flatMap(readsOf));
  const batched = reads.filter((read) => dimensions.has(read.tensor));
  const places = new Map(batched.map((read) => read.index[dimensions.get(read.tensor)!]).map((i) => [i.key, i]));
  if (places.size !== 1 || readsThroughData(group)) return undefined;
  const [place] = places.values();
  const alone = (axes: readonly Axis[]) => reads.every((read) => standsAlone(read, axes, dimensions.get(read.tensor)));
  const [first, ...rest] = group.steps;

  const axis = place.asAxis();
  if (axis?.extent === batch && group.axes.includes(axis)) {
    const stored = group.steps.every((s) => s.kind === "reduce" || dimensionOf(s.index, axis) !== undefined);
    return stored && alone([axis]) ? { kind: "each", axis } : undefined;
  }
  // What is summed must be all of it: the sum goes on where it stopped, before anything is done with it.
  const sums = first.kind === "reduce" && first.combiner === "sum" && !first.start;
  const late = rest.some(
    (s) => s.kind === "reduce" || s.axes.length > 0 || readsOf(s.expr).some((r) => dimensions.has(r.tensor)),
  );
  if (!sums || late) return undefined;
  const outermost = first.axes.find((a) => a.extent > 1);
  if (axis) return axis.extent === batch && axis === outermost && alone([axis]) ? { kind: "sum", axis } : undefined;

  const parts = group.axes.find((a) => a.extent > 1 && place.coefficientOf(a) === batch / a.extent);
  if (!parts || !outermost || outermost.extent * parts.extent !== batch) return undefined;
  if (place.key !== Index.of(parts).times(outermost.extent).plus(outermost).key) return undefined;
  const plain =
    rest.length === 1 &&
    rest.every((s) => s.kind === "store" && s.expr.node.kind === "local" && s.index[0].asAxis() === parts);
  return plain && alone([parts, outermost]) ? { kind: "partial sums", parts, axis: outermost } : undefined;
}

/** The one dimension whose index is the axis, the others being free of it. */
function dimensionOf(index: readonly Index[], axis: Axis): number | undefined {
  const with_ = index.flatMap((i, d) => (i.axes().has(axis) ? [d] : []));
  return with_.length === 1 && index[with_[0]].asAxis() === axis ? with_[0] : undefined;
}

/** Whether a read has the axes at most in the index of its pictures. */
function standsAlone(read: ReadNode, axes: readonly Axis[], dimension: number | undefined): boolean {
  const others = [...read.index.filter((_, d) => d !== dimension), ...read.guard.map((c) => c.index)];
  return others.every((index) => axes.every((axis) => !index.axes().has(axis)));
}

/** Whether an index is computed from numbers of the program. */
function readsThroughData(group: Group): boolean {
  let found = false;
  for (const step of group.steps)
    for (const scalar of scalarsOf(step))
      visitScalar(scalar, ({ node }) => {
        if (indicesOf(node).some((index) => index.dataScalars().length > 0)) found = true;
      });
  return found;
}
