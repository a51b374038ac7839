/** Replaces tensors in the reads of an expression. */

import type { Index } from "../ir/index.ts";
import { mapIndices, readsOf, rewriteScalar, Scalar } from "../ir/scalar.ts";
import type { Value } from "../ir/types.ts";

/** The expression with each tensor that is a key of `map` replaced, also inside data-dependent indices. */
export const replaceTensors = (scalar: Scalar, map: ReadonlyMap<Value, Value>): Scalar => {
  if (!readsOf(scalar).some((read) => map.has(read.tensor))) return scalar;
  const inIndex = (index: Index): Index =>
    index.dataScalars().length === 0 ? index : index.substitute(new Map(), (s) => replaceTensors(s, map));
  return rewriteScalar(scalar, (s) => {
    const moved = mapIndices(s, inIndex);
    const n = moved.node;
    return n.kind === "read" ? new Scalar({ ...n, tensor: map.get(n.tensor) ?? n.tensor }, s.dtype) : moved;
  });
};
