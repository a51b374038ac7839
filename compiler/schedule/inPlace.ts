/** Which stored values may take the place of values that the same kernel reads. */
import { type Group, scalarsOf } from "../ir/fused.ts";
import { type ReadNode, readsOf } from "../ir/scalar.ts";
import type { Value } from "../ir/types.ts";
import { elementCount } from "../ir/types.ts";
import type { BufferTable } from "./buffers.ts";

/**
 * Pairs [written, read]: the read value is read only where the written one is stored, at the same place in memory, so
 * each element is read by the invocation that then overwrites it. Schedules read all before they store.
 */
export function inPlacePairs(group: Group, table: BufferTable): (readonly [Value, Value])[] {
  const reads = new Map<Value, { node: ReadNode; final: boolean }[]>();
  for (const step of group.steps) {
    // What a sum starts from is read once for each element, like what is read as it is stored.
    const once = step.kind === "reduce" ? step.start : step.axes.length === 0 ? step.expr : undefined;
    for (const scalar of scalarsOf(step))
      for (const node of readsOf(scalar)) {
        const list = reads.get(node.tensor) ?? [];
        list.push({ node, final: scalar === once });
        reads.set(node.tensor, list);
      }
  }
  const pairs: (readonly [Value, Value])[] = [];
  for (const step of group.steps) {
    if (step.kind !== "store" || step.axes.length > 0) continue;
    const at = table.address(step.value, step.index).key;
    for (const [value, list] of reads) {
      if (elementCount(value.type.shape) !== elementCount(step.value.type.shape)) continue;
      const same = list.every(
        ({ node, final }) => final && node.guard.length === 0 && table.address(value, node.index).key === at,
      );
      if (same) pairs.push([step.value, value]);
    }
  }
  return pairs;
}
