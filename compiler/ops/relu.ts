/** Everything Kiln knows about the rectifier. */

import { Scalar, when } from "../ir/scalar.ts";
import { innerOp, op, tensor } from "./define.ts";

export const relu = op("relu", {
  summary: "The greater of x and 0.",
  inputs: { x: tensor() },
  outputs: ({ x }) => ({ y: x }),
  compute: ({ x }, _, k) => ({ y: k.map(x.shape, (i) => x.at(...i).max(0)) }),
  gradient: ({ outputs, cotangent, emit }) => ({
    x: () => emit("reluGradient", { y: outputs.y, dy: cotangent }).dx,
  }),
  good: ["relu(x: [2,3,4,4]) -> [2,3,4,4]", "relu(x: [2,7]) -> [2,7]"],
});

/** Looks at the output: it is positive where the input is, and the input need not be kept. */
export const reluGradient = innerOp("reluGradient", {
  summary: "The gradient of relu: the cotangent where the output is positive, else 0.",
  inputs: { y: tensor(), dy: tensor() },
  outputs: ({ y }) => ({ dx: y }),
  compute: ({ y, dy }, _, k) => ({
    dx: k.map(y.shape, (i) => when(Scalar.constant(0).lessThan(y.at(...i)), dy.at(...i))),
  }),
});
