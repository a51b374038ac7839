/**
 * Loop axes in the form that schedules want: an axis read through / and % by a constant becomes two axes, and
 * neighbouring axes that every address sees as one become one (the taps and channels of a row of an image, say).
 */
import { type FusedProgram, type Group, type Step, scalarsOf } from "../ir/fused.ts";
import { Axis, Index } from "../ir/index.ts";
import { type Condition, indicesOf, type Scalar, type ScalarNode, substituteAxes, visitScalar } from "../ir/scalar.ts";
import { address } from "./buffers.ts";

const substituteStep = (
  step: Step,
  map: ReadonlyMap<Axis, Index>,
  axes: readonly Axis[],
  memo: Map<Scalar, Scalar>,
): Step =>
  step.kind === "reduce"
    ? {
        ...step,
        axes,
        body: substituteAxes(step.body, map, memo),
        ...(step.start ? { start: substituteAxes(step.start, map, memo) } : {}),
      }
    : { ...step, axes, index: step.index.map((i) => i.substitute(map)), expr: substituteAxes(step.expr, map, memo) };

const nodesOf = (step: Step): ScalarNode[] => {
  const nodes: ScalarNode[] = [];
  for (const scalar of scalarsOf(step)) visitScalar(scalar, (s) => nodes.push(s.node));
  return nodes;
};

/** Every index of a group: of reads, guards, tables and stores. */
function* indicesIn(group: Group): Generator<Index> {
  for (const step of group.steps) {
    for (const node of nodesOf(step)) yield* indicesOf(node);
    if (step.kind === "store") yield* step.index;
  }
}

/** Replaces axes in a group: `replaced` stand where `axis` stood. */
function replaceAxes(group: Group, gone: readonly Axis[], replaced: readonly Axis[], map: Map<Axis, Index>): Group {
  const replace = (axes: readonly Axis[]): readonly Axis[] =>
    axes.flatMap((a) => (a === gone[0] ? replaced : gone.includes(a) ? [] : [a]));
  // One memo for all steps: expressions that two stores share stay shared.
  const memo = new Map<Scalar, Scalar>();
  return {
    ...group,
    axes: replace(group.axes),
    steps: group.steps.map((s) => substituteStep(s, map, replace(s.axes), memo)),
  };
}

/** A group whose axes may pass their ends: it is to store only where all `exists` hold. */
export interface SplitGroup {
  readonly group: Group;
  readonly exists: readonly Condition[];
}

/**
 * Splits axes that appear as (axis + k) / n or (axis + k) % n. What depends on the remainder alone, as the taps of a
 * strided window's gradient do, is then the same along the quotient. A loop of the group may run past an axis that n does
 * not divide; a step's own must not.
 */
export function splitAxes(group: Group): SplitGroup {
  const exists: Condition[] = [];
  const find = (index: Index): { axis: Axis; by: number } | undefined => {
    for (const { atom } of index.terms) {
      if (atom.kind === "axis" || atom.kind === "data") continue;
      if (atom.kind !== "clamp") {
        const axis = atom.of.minus(atom.of.constant).asAxis();
        const whole = axis && axis.extent % atom.by === 0;
        if (axis && axis.extent > atom.by && (whole || group.axes.includes(axis))) return { axis, by: atom.by };
      }
      const inside = find(atom.of);
      if (inside) return inside;
    }
    return undefined;
  };
  for (;;) {
    let found: ReturnType<typeof find>;
    for (const index of indicesIn(group)) {
      found = find(index);
      if (found) break;
    }
    if (!found) return { group, exists };
    const { axis, by } = found;
    const outer = new Axis(`${axis.name}o`, Math.ceil(axis.extent / by));
    const inner = new Axis(`${axis.name}i`, by);
    const position = Index.of(outer).times(by).plus(inner);
    const map = new Map([[axis, position]]);
    for (const [i, c] of exists.entries()) exists[i] = { ...c, index: c.index.substitute(map) };
    if (axis.extent % by !== 0) exists.push({ kind: "nonNegative", index: Index.of(axis.extent - 1).minus(position) });
    group = replaceAxes(group, [axis], [outer, inner], map);
  }
}

/** Joins axes a, b (of the same loop) where every address and guard that has either has extent(b) * b + a alone. */
export function joinAxes({ group, exists }: SplitGroup, layouts: FusedProgram["layouts"]): SplitGroup {
  for (;;) {
    const addresses = [...addressesOf(group, layouts), ...exists.map((c) => c.index)];
    const lists = [group.axes, ...group.steps.map((s) => (s.kind === "reduce" ? s.axes : []))];
    const pair = lists
      .flatMap((axes) => axes.flatMap((a) => axes.map((b) => [a, b] as const)))
      .find(([a, b]) => {
        if (a === b || a.extent === 1 || b.extent === 1) return false;
        return addresses.every((at) => {
          const ca = at.coefficientOf(a);
          const cb = at.coefficientOf(b);
          return ca !== undefined && cb !== undefined && ca === cb * b.extent;
        });
      });
    if (!pair) return { group, exists };
    const [a, b] = pair;
    const joined = new Axis(a.name + b.name, a.extent * b.extent);
    const map = new Map([
      [a, Index.of(joined).div(b.extent)],
      [b, Index.of(joined).mod(b.extent)],
    ]);
    group = replaceAxes(group, [a, b], [joined], map);
    exists = exists.map((c) => ({ ...c, index: c.index.substitute(map) }));
  }
}

/** Addresses of all reads and stores, and the indices of guards and tables. */
function addressesOf(group: Group, layouts: FusedProgram["layouts"]): Index[] {
  return group.steps.flatMap((step) => [
    ...nodesOf(step).flatMap((n) =>
      n.kind === "read"
        ? [address(n.tensor, n.index, layouts), ...n.guard.map((c) => c.index)]
        : n.kind === "table"
          ? [n.row, n.column]
          : [],
    ),
    ...(step.kind === "store" ? [address(step.value, step.index, layouts)] : []),
  ]);
}
