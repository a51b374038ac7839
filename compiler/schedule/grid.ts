/** Workgroups: one flat number, folded into two dimensions where a target's limit asks for it. */
import type { KernelExpr } from "../ir/kernel.ts";
import * as K from "../ir/kernelExpr.ts";

export interface Grid {
  readonly workgroups: readonly [number, number, number];
  /** The flat number of this workgroup; may pass the count where it was folded. */
  readonly id: KernelExpr;
  /** Whether ids past the count exist. */
  readonly overshoots: boolean;
}

export function flatGrid(count: number, limit: number): Grid {
  if (count <= limit) return { workgroups: [count, 1, 1], id: K.builtin("workgroup.x"), overshoots: false };
  const rows = Math.ceil(count / limit);
  // The shortest rows that do: fewer idle workgroups than rows of `limit`.
  const columns = Math.ceil(count / rows);
  const id = K.add(K.multiply(K.builtin("workgroup.y"), columns), K.builtin("workgroup.x"));
  return { workgroups: [columns, rows, 1], id, overshoots: columns * rows !== count };
}
