/**
 * The outer loops of a contraction's tile. Conditions that are the same for all of its rows and columns go round the
 * loops below them, so that the taps of a window that miss the image, or the phase of a stride, cost a tile nothing.
 */
import { type Axis, extentOf, Index } from "../ir/index.ts";
import type { Condition } from "../ir/scalar.ts";
import type { Nest } from "./nest.ts";

export interface TileLoops {
  readonly nest: Nest;
  /** Of both operands: no product counts where one of them does not hold. */
  readonly guards: readonly Condition[];
  /** Run inside, or along the tile. */
  readonly free: ReadonlySet<Axis>;
  /** Gets the conditions that hold where it stands. */
  readonly body: (checked: ReadonlySet<Condition>) => void;
}

/** Serial loops over `axes`, and the conditions that need no further axis, each as far out as it can be. */
export function tileLoops(t: TileLoops, axes: readonly Axis[], checked: ReadonlySet<Condition> = new Set()): void {
  const later = (x: Axis) => t.free.has(x) || axes.includes(x);
  const ready = t.guards.filter((g) => !checked.has(g) && ![...g.index.axes()].some(later));
  const condition = t.nest.conditions(ready);
  if (condition) return t.nest.if(condition, () => tileLoops(t, axes, new Set([...checked, ...ready])));
  const [axis, ...rest] = axes;
  if (axis) return t.nest.loop(axis, {}, () => tileLoops(t, rest, checked));
  t.body(checked);
}

/** Points of a condition's axes that are looked at. */
const mostPoints = 4096;

/** Of the turns of the loops over tiles and outer axes, the part in which the conditions on those axes hold. */
export function shareOfTurns(guards: readonly Condition[], free: ReadonlySet<Axis>): number {
  const open = guards.filter((g) => ![...g.index.axes()].some((x) => free.has(x)));
  let share = 1;
  while (open.length > 0) {
    // Conditions that have axes in common are looked at together.
    const together = [open.pop()!];
    const axes = together[0].index.axes();
    for (let i = open.length - 1; i >= 0; i--) {
      if (![...open[i].index.axes()].some((x) => axes.has(x))) continue;
      const [found] = open.splice(i, 1);
      together.push(found);
      found.index.axes(axes);
      i = open.length;
    }
    if (extentOf([...axes]) <= mostPoints) share *= shareOf(together, [...axes]);
  }
  return share;
}

function shareOf(conditions: readonly Condition[], axes: readonly Axis[]): number {
  const [axis, ...rest] = axes;
  if (!axis) return Number(conditions.every(holds));
  let sum = 0;
  for (let value = 0; value < axis.extent; value++) {
    const at = new Map([[axis, Index.of(value)]]);
    const there = conditions.map((c) => ({ ...c, index: c.index.substitute(at) }));
    sum += shareOf(there, rest);
  }
  return sum / axis.extent;
}

const holds = ({ index, ...c }: Condition): boolean =>
  c.kind === "nonNegative" ? index.constant >= 0 : index.constant % c.by === 0;
