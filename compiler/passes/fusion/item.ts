/** A group while it grows: what fusion merges definitions into. */

import type { Definition } from "../../ir/expr.ts";
import { type ReduceStep, type Step, type StoreStep, scalarsOf } from "../../ir/fused.ts";
import { type Axis, Index } from "../../ir/index.ts";
import { hasTables, type Local, type ReadNode, readsOf, Scalar } from "../../ir/scalar.ts";
import type { SourceLocation, Value } from "../../ir/types.ts";

export interface Item {
  readonly axes: readonly Axis[];
  readonly steps: readonly Step[];
  readonly locations: readonly SourceLocation[];
  readonly ops: readonly string[];
  /** Of the first definition that names one. */
  readonly algorithm?: string;
  /** Position in the program of the first definition: ties in the order of groups are decided by it. */
  readonly order: number;
}

/** A definition as a group of its own. */
export function itemOf(d: Definition, order: number): Item {
  const index = d.axes.map((a) => Index.of(a));
  const stored = (value: Value, expr: Scalar): StoreStep => ({ kind: "store", value, axes: [], index, expr });
  let steps: Step[];
  if (d.reduction) {
    const reduce = reduceStep(d);
    steps = [reduce, ...d.outputs.map((v, i) => stored(v, Scalar.local(reduce.results[i])))];
  } else steps = [stored(d.outputs[0], d.body)];
  const locations = d.location ? [d.location] : [];
  return { axes: d.axes, steps, locations, ops: [d.op], algorithm: d.algorithm, order };
}

export function reduceStep(d: Definition): ReduceStep {
  const results = d.outputs.map(
    (v, i): Local => ({
      name: i === 0 ? d.reduction!.combiner : "position",
      dtype: v.type.dtype,
    }),
  );
  const { combiner, axes } = d.reduction!;
  return { kind: "reduce", combiner, results, axes, body: d.body };
}

export const storesOf = (item: Item): StoreStep[] => item.steps.filter((s): s is StoreStep => s.kind === "store");

export const stepReads = (step: Step): ReadNode[] => scalarsOf(step).flatMap(readsOf);

export const itemReads = (item: Item): ReadNode[] => item.steps.flatMap(stepReads);

const knownTensors = new WeakMap<Item, ReadonlySet<Value>>();

/** What the group reads, each once. Asked for again and again, so it is looked up only the first time. */
export function tensorsRead(item: Item): ReadonlySet<Value> {
  let tensors = knownTensors.get(item);
  if (!tensors) {
    tensors = new Set(itemReads(item).map((r) => r.tensor));
    knownTensors.set(item, tensors);
  }
  return tensors;
}

export const domain = (axes: readonly Axis[]): number => axes.reduce((n, a) => n * a.extent, 1);

/** Whether an invocation computes a tile of elements, with room for what becomes of each but for nothing else. */
export const isTiled = (item: Item): boolean =>
  isContraction(item) || (item.steps[0].kind === "reduce" && hasTables(item.steps[0].body));

/** A sum of products of two reads: what the contraction scheduler wants to have to itself. */
export function isContraction(item: Item): boolean {
  const [first] = item.steps;
  if (first.kind !== "reduce" || first.combiner !== "sum") return false;
  const n = first.body.node;
  return n.kind === "binary" && n.op === "mul" && n.a.node.kind === "read" && n.b.node.kind === "read";
}
