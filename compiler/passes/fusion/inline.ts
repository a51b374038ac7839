/** Inlining of producers into the expressions that read them. */

import type { Axis, Index } from "../../ir/index.ts";
import type { Condition, ReadNode } from "../../ir/scalar.ts";
import { mapIndices, rewriteScalar, Scalar, substituteAxes } from "../../ir/scalar.ts";
import type { Value } from "../../ir/types.ts";

/** What a value's element is, over axes that stand for its dimensions. */
export interface Inlinable {
  readonly axes: readonly Axis[];
  readonly body: Scalar;
}

/** The body at the place of a read, under the read's guard. */
export function inlineRead(read: ReadNode, { axes, body }: Inlinable): Scalar {
  const moved = substituteAxes(body, new Map(axes.map((a, i) => [a, read.index[i]])));
  if (read.guard.length === 0) return moved;
  const n = moved.node;
  // A guarded copy stays a read, which a contraction can take as an operand.
  if (n.kind === "read" && (n.guard.length === 0 || n.fill === read.fill))
    return new Scalar({ ...n, guard: [...read.guard, ...n.guard], fill: read.fill }, moved.dtype);
  const condition = read.guard.map(conditionScalar).reduce((a, b) => a.and(b));
  return Scalar.select(condition, moved, Scalar.constant(read.fill, moved.dtype));
}

const conditionScalar = (c: Condition): Scalar =>
  c.kind === "nonNegative"
    ? Scalar.constant(0, "i32").atMost(Scalar.index(c.index))
    : Scalar.index(c.index.mod(c.by)).equals(Scalar.constant(0, "i32"));

/** Replaces reads of the values in `map`, also inside data-dependent indices. */
export function inlineReads(s: Scalar, map: ReadonlyMap<Value, Inlinable>): Scalar {
  const inIndex = (index: Index): Index =>
    index.dataScalars().length === 0 ? index : index.substitute(new Map(), (d) => inlineReads(d, map));
  return rewriteScalar(s, (x) => {
    const moved = mapIndices(x, inIndex);
    const n = moved.node;
    const producer = n.kind === "read" ? map.get(n.tensor) : undefined;
    return producer ? inlineRead(n as ReadNode, producer) : moved;
  });
}

/** A copy under another index: flatten, split, transposes, the parts of a concat. */
export const isIndexMap = (body: Scalar): boolean => body.node.kind === "read" || body.node.kind === "constant";
