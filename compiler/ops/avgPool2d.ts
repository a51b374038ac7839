/** Everything Kiln knows about average pooling. */

import { tensorType } from "../ir/types.ts";
import { divideExact, image, innerOp, op, pair } from "./define.ts";
import { windowOutput } from "./window.ts";

const window = {
  kernel: pair("height and width of the window", { min: 1 }),
  stride: pair("step between windows", { default: { same: "kernel" }, min: 1 }),
  padding: pair("rows and columns of zeros added on each side; they count in the mean", { default: [0, 0], min: 0 }),
};

export const avgPool2d = op("avgPool2d", {
  summary: "The mean of each window, padding counted: the sum divided by kernel height times kernel width.",
  inputs: { x: image() },
  options: window,
  outputs: ({ x }, o) => {
    const [n, c, h, w] = x.shape;
    return { y: tensorType("f32", [n, c, ...windowOutput("avgPool2d", [h, w], o)]) };
  },
  compute: ({ x }, o, k) => {
    const [n, c, h, w] = x.shape;
    const shape = [n, c, ...windowOutput("avgPool2d", [h, w], o)];
    const total = k.sum(shape, [o.kernel.h, o.kernel.w], ([n, c, i, j], [p, q]) =>
      x.at(n, c, i.times(o.stride.h).plus(p).minus(o.padding.h), j.times(o.stride.w).plus(q).minus(o.padding.w)),
    );
    return { y: k.map(shape, (i) => total.at(...i).over(o.kernel.h * o.kernel.w)) };
  },
  gradient: ({ inputs, cotangent, emit, stored }) => ({
    x: () => emit("avgPool2dGradient", { x: inputs.x, dy: cotangent }, stored).dx,
  }),
  good: [
    "avgPool2d(x: [2,4,9,9], { kernel: 3, stride: 2 }) -> [2,4,4,4]",
    "avgPool2d(x: [2,4,8,8], { kernel: 2 }) -> [2,4,4,4]",
    "avgPool2d(x: [2,4,9,9], { kernel: [3, 2], padding: [1, 0] }) -> [2,4,3,4]",
  ],
  bad: ["avgPool2d(x: [2,4,9,9], { kernel: [2, 12] }) -> KILN2004"],
});

/** `x` gives the shape alone and is not read. */
export const avgPool2dGradient = innerOp("avgPool2dGradient", {
  summary: "The gradient of avgPool2d: each input position takes its share of the windows that it is in.",
  inputs: { x: image(), dy: image() },
  options: window,
  outputs: ({ x }) => ({ dx: x }),
  compute: ({ x, dy }, o, k) => {
    const total = k.sum(x.shape, [o.kernel.h, o.kernel.w], ([n, c, h, w], [p, q]) =>
      dy.at(
        n,
        c,
        divideExact(h.plus(o.padding.h).minus(p), o.stride.h),
        divideExact(w.plus(o.padding.w).minus(q), o.stride.w),
      ),
    );
    return { dx: k.map(x.shape, (i) => total.at(...i).over(o.kernel.h * o.kernel.w)) };
  },
});
