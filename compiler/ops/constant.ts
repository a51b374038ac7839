/** A tensor that is the same number everywhere: cotangents that are known. */

import { Scalar } from "../ir/scalar.ts";
import { tensorType } from "../ir/types.ts";
import { innerOp, number, numbers } from "./define.ts";

export const constant = innerOp("constant", {
  summary: "A tensor with the same number in every element.",
  inputs: {},
  options: { value: number("the number"), shape: numbers("the tensor's shape") },
  outputs: (_, o) => ({ y: tensorType("f32", o.shape) }),
  compute: (_, o, k) => ({ y: k.map(o.shape, () => Scalar.constant(o.value)) }),
});
