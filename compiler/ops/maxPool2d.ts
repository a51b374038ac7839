/** Everything Kiln knows about max pooling. */

import { Scalar, when } from "../ir/scalar.ts";
import { tensorType } from "../ir/types.ts";
import { divideExact, image, innerOp, lowestFloat, op, pair } from "./define.ts";
import { windowOutput } from "./window.ts";

const window = {
  kernel: pair("height and width of the window", { min: 1 }),
  stride: pair("step between windows", { default: { same: "kernel" }, min: 1 }),
  padding: pair("rows and columns added on each side, never the maximum", { default: [0, 0], min: 0 }),
};

export const maxPool2d = op("maxPool2d", {
  summary: "The largest value of each window; on a tie, the first in row-major order.",
  inputs: { x: image() },
  options: window,
  outputs: ({ x }, o) => {
    const [n, c, h, w] = x.shape;
    const shape = [n, c, ...windowOutput("maxPool2d", [h, w], o)];
    return { y: tensorType("f32", shape), winner: tensorType("u32", shape) };
  },
  compute: ({ x }, o, k) => {
    const [n, c, h, w] = x.shape;
    const [y, winner] = k.firstMax(
      [n, c, ...windowOutput("maxPool2d", [h, w], o)],
      [o.kernel.h, o.kernel.w],
      ([n, c, i, j], [p, q]) =>
        x.atOr(
          lowestFloat,
          n,
          c,
          i.times(o.stride.h).plus(p).minus(o.padding.h),
          j.times(o.stride.w).plus(q).minus(o.padding.w),
        ),
    );
    return { y, winner };
  },
  gradient: ({ inputs, outputs, cotangent, emit, stored }) => ({
    x: () => emit("maxPool2dGradient", { x: inputs.x, winner: outputs.winner, dy: cotangent }, stored).dx,
  }),
  good: [
    "maxPool2d(x: [2,4,9,9], { kernel: 3, stride: 2 }) -> [2,4,4,4]",
    "maxPool2d(x: [2,4,9,9], { kernel: [3, 2], padding: [1, 0] }) -> [2,4,3,4]",
  ],
  bad: ["maxPool2d(x: [2,4,9,9], { kernel: 12 }) -> KILN2004"],
});

/** Each input position sums the windows that it won. `x` gives the shape alone and is not read. */
export const maxPool2dGradient = innerOp("maxPool2dGradient", {
  summary: "The gradient of maxPool2d: each input position sums the cotangents of the windows that it won.",
  inputs: { x: image(), winner: image(), dy: image() },
  options: window,
  outputs: ({ x }) => ({ dx: x }),
  compute: ({ x, winner, dy }, o, k) => ({
    dx: k.sum(x.shape, [o.kernel.h, o.kernel.w], ([n, c, h, w], [p, q]) => {
      const i = divideExact(h.plus(o.padding.h).minus(p), o.stride.h);
      const j = divideExact(w.plus(o.padding.w).minus(q), o.stride.w);
      const position = p.times(o.kernel.w).plus(q);
      return when(winner.at(n, c, i, j).toI32().equals(Scalar.index(position)), dy.at(n, c, i, j));
    }),
  }),
});
