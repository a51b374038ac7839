/** In which order a group's kernel adds the terms of its sums: what decides the bits, beside the terms. */
import { type Group, scalarsOf } from "../ir/fused.ts";
import type { Axis } from "../ir/index.ts";
import { readsOf } from "../ir/scalar.ts";
import { shareGroup } from "../ir/share.ts";
import { asContraction } from "./contraction.ts";
import { chosenSchedule, type ScheduleOptions } from "./index.ts";
import { asTransform } from "./transform.ts";
import { outerAxes } from "./workgroup.ts";

/** Names of the axes that have more than one step, the slowest first; of joined axes the names one after another. */
const names = (axes: readonly Axis[]): string =>
  axes
    .filter((axis) => axis.extent > 1)
    .map((axis) => axis.name)
    .join("");

/** The kind of kernel, and the axes of its sums as its loops go over them. Two with the same add in the same order. */
export function termOrder(group: Group, options: ScheduleOptions): { readonly kind: string; readonly axes: string } {
  const { layouts } = options.program;
  const shared = shareGroup(group);
  if (asTransform(shared, layouts)) return { kind: "transform", axes: "" };
  const c = asContraction(shared, layouts);
  if (!c) {
    const sums = shared.steps.map((step) => (step.kind === "reduce" ? names(step.axes) : ""));
    return { kind: "map", axes: sums.join(" ").trim() };
  }
  const schedule = chosenSchedule(c, options, group.textureBytes);
  const isInner = (axis: Axis) => axis.name === schedule.innerAxis;
  const guards = [...c.a.read.guard, ...c.b.read.guard];
  const outer =
    schedule.transport === "workgroup" ? outerAxes(c, guards, schedule.unroll) : c.inner.filter((k) => !isInner(k));
  return { kind: "contraction", axes: names([...outer, ...c.inner.filter((k) => !outer.includes(k))]) };
}

/** Storage buffers that a group's kernel binds; all versions of a state are one. */
export function bindingCount(group: Group, { updates }: ScheduleOptions["program"]): number {
  const previous = new Map(updates.map(({ state, next }) => [next, state]));
  const bound = group.steps.flatMap((step) => [
    ...(step.kind === "store" ? [step.value] : []),
    ...scalarsOf(step).flatMap((scalar) => readsOf(scalar).map((read) => read.tensor)),
  ]);
  return new Set(bound.map((value) => previous.get(value) ?? value)).size;
}
