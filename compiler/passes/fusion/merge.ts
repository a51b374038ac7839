/** Merging a definition into the group that computes what it reads. */
import type { Definition } from "../../ir/expr.ts";
import type { StoreStep } from "../../ir/fused.ts";
import { type Axis, Index } from "../../ir/index.ts";
import { readsOf, rewriteScalar, Scalar, substituteAxes } from "../../ir/scalar.ts";
import type { Value } from "../../ir/types.ts";
import { domain, type Item, isTiled, reduceStep, stepReads, storesOf } from "./item.ts";

/** Further axes of a store, or terms of a reduction, that one invocation may run through. */
const mostSerial = 4096;

/**
 * The item with `d` merged in, or undefined where that would not be the same: every read of the item's values must be
 * of the very element that the item's invocation computes.
 */
export function mergeInto(item: Item, d: Definition): Item | undefined {
  const stores = new Map(
    storesOf(item)
      .filter((s) => s.axes.length === 0)
      .map((s) => [s.value, s]),
  );
  const own = readsOf(d.body).filter((r) => storesOf(item).some((s) => s.value === r.tensor));
  if (own.length === 0) return undefined;
  const map = new Map<Axis, Index>();
  for (const read of own) {
    const store = stores.get(read.tensor);
    if (!store || read.guard.length > 0) return undefined;
    for (const [k, index] of read.index.entries()) if (!match(index, store.index[k], d.axes, map)) return undefined;
  }
  const extra = d.axes.filter((a) => a.extent > 1 && !map.has(a));
  for (const a of d.axes) if (a.extent === 1) map.set(a, Index.of(0));
  const covered = new Set([...map.values()].flatMap((i) => [...i.axes()]));
  // Each invocation of the item computes one element of d (or a row of them): all its axes must be taken up.
  if (item.axes.some((a) => a.extent > 1 && !covered.has(a))) return undefined;

  const memo = new Map<Scalar, Scalar>();
  const body = rewriteScalar(substituteAxes(d.body, map, memo), (x) => {
    const store = x.node.kind === "read" ? stores.get(x.node.tensor) : undefined;
    return store ? store.expr : x;
  });
  const index = d.axes.map((a) => map.get(a) ?? Index.of(a));
  if (d.reduction) return mergeReduction(item, d, body, extra, index);
  if (extra.length > 0 && (isTiled(item) || domain(extra) > mostSerial || !isRow(item))) return undefined;
  const step: StoreStep = { kind: "store", value: d.outputs[0], axes: extra, index, expr: body };
  return grown(item, d, [step]);
}

function mergeReduction(item: Item, d: Definition, body: Scalar, extra: readonly Axis[], index: Index[]) {
  const terms = domain(d.reduction!.axes);
  if (extra.length > 0 || terms > mostSerial || isTiled(item) || !isRow(item)) return undefined;
  const reduce = { ...reduceStep(d), body };
  const stores = d.outputs.map(
    (value, i): StoreStep => ({
      kind: "store",
      value,
      axes: [],
      index,
      expr: Scalar.local(reduce.results[i]),
    }),
  );
  return grown(item, d, [reduce, ...stores]);
}

/** Groups whose invocations run through rows of their input anyhow. */
const isRow = (item: Item): boolean => {
  const [first] = item.steps;
  return first.kind === "reduce" && domain(first.axes) <= mostSerial;
};

/** Demands that `index` (over d's axes) be `place` (over the item's): sets the axis that index is, or checks it. */
function match(index: Index, place: Index, axes: readonly Axis[], map: Map<Axis, Index>): boolean {
  if (index.isConstant()) return place.isConstant() && place.constant === index.constant;
  const axis = index.asAxis();
  if (!axis || !axes.includes(axis)) return false;
  const known = map.get(axis);
  if (known) return known.equals(place);
  // An axis of d stands for one place along one axis of the item, or the invocations would not be matched one to one.
  const target = place.asAxis();
  if (!target || target.extent !== axis.extent) return false;
  if ([...map.values()].some((i) => i.equals(place))) return false;
  map.set(axis, place);
  return true;
}

const grown = (item: Item, d: Definition, steps: Item["steps"]): Item => ({
  ...item,
  steps: [...item.steps, ...steps],
  ops: [...item.ops, d.op],
  algorithm: item.algorithm ?? d.algorithm,
  locations: d.location ? [...item.locations, d.location] : item.locations,
});

/** The values whose storage a group touches: what a kernel has to bind. */
export function bindingsOf(
  item: Item,
  stored: (value: Value) => boolean,
  storage: (value: Value) => Value,
): Set<Value> {
  const bound = new Set<Value>();
  for (const step of item.steps) {
    for (const r of stepReads(step)) bound.add(storage(r.tensor));
    if (step.kind === "store" && stored(step.value)) bound.add(storage(step.value));
  }
  return bound;
}
