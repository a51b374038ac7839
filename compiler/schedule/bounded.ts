/**
 * For a device that checks nothing: every access of a kernel stays inside its buffer. The verifier proves it of most; what
 * it cannot decide gets its index clamped (a load), or a condition (a store).
 */
import type { Kernel, KernelExpr, Statement } from "../ir/kernel.ts";
import { unprovedAccesses } from "../ir/kernelChecks/bounds.ts";
import * as K from "../ir/kernelExpr.ts";
import { mapExpression } from "../ir/kernelTree.ts";

export function boundAccesses(kernel: Kernel): Kernel {
  const unproved = unprovedAccesses(kernel);
  if (unproved.size === 0) return kernel;
  const lengthOf = (name: string) => kernel.buffers.find((b) => b.name === name)!.length;
  const handled = new Set<unknown>();
  const bounded = (e: KernelExpr): KernelExpr =>
    mapExpression(e, (x, changed) => {
      if (changed.kind !== "load" || !unproved.has(x)) return changed;
      handled.add(x);
      const low = K.binary("max", changed.index, K.int(0), "i32");
      return { ...changed, index: K.binary("min", low, K.int(lengthOf(changed.buffer) - 1), "i32") };
    });
  const statement = (s: Statement): Statement => {
    switch (s.kind) {
      case "let":
        return { ...s, value: bounded(s.value) };
      case "assign":
        return { ...s, index: s.index.map(bounded), value: bounded(s.value) };
      case "sharedStore":
        return { ...s, index: bounded(s.index), value: bounded(s.value) };
      case "store": {
        const whole: Statement = { ...s, index: bounded(s.index), value: bounded(s.value) };
        if (!unproved.has(s)) return whole;
        handled.add(s);
        const inside = K.both(K.atMost(K.int(0), whole.index), K.lessThan(whole.index, K.int(lengthOf(s.buffer))));
        return { kind: "if", condition: inside, then: [whole] };
      }
      case "if":
        return {
          ...s,
          condition: bounded(s.condition),
          then: s.then.map(statement),
          ...(s.otherwise ? { otherwise: s.otherwise.map(statement) } : {}),
        };
      case "for":
        return { ...s, body: s.body.map(statement) };
      default:
        return s;
    }
  };
  const body = kernel.body.map(statement);
  const left = unproved.size - handled.size;
  if (left > 0) throw new Error(`kernel ${kernel.name}: ${left} accesses of its own memory cannot be proved inside it`);
  return { ...kernel, body };
}
