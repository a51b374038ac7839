/** Workgroups: one flat number, folded into two dimensions where a target's limit asks for it. */
import type { Axis } from "../ir/index.ts";
import type { KernelExpr } from "../ir/kernel.ts";
import * as K from "../ir/kernelExpr.ts";
import type { Nest } from "./nest.ts";

export interface Grid {
  readonly workgroups: readonly [number, number, number];
  /** The flat number of this workgroup; may pass the count where it was folded. */
  readonly id: KernelExpr;
  /** Whether ids past the count exist. */
  readonly overshoots: boolean;
}

/**
 * Binds axes, the fastest first, to parts of a flat number. The last is what is left of it; where numbers past the end exist
 * and no invocation may leave, `wraps` folds it back into range.
 */
export function bindAxes(nest: Nest, flat: KernelExpr, axes: readonly Axis[], wraps = false): void {
  let stride = 1;
  for (const [i, axis] of axes.entries()) {
    const quotient = K.divide(flat, stride);
    const value = i === axes.length - 1 && !wraps ? quotient : K.remainder(quotient, axis.extent);
    if (axis.extent > 1) nest.bind(axis, nest.let(axis.name, value));
    stride *= axis.extent;
  }
}

export function flatGrid(count: number, limit: number): Grid {
  if (count <= limit) return { workgroups: [count, 1, 1], id: K.builtin("workgroup.x"), overshoots: false };
  const rows = Math.ceil(count / limit);
  // The shortest rows that do: fewer idle workgroups than rows of `limit`.
  const columns = Math.ceil(count / rows);
  const id = K.add(K.multiply(K.builtin("workgroup.y"), columns), K.builtin("workgroup.x"));
  return { workgroups: [columns, rows, 1], id, overshoots: columns * rows !== count };
}
