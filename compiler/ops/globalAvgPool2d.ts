/** Everything Kiln knows about the mean over an image. */

import { f32 } from "../ir/types.ts";
import { image, innerOp, op } from "./define.ts";

export const globalAvgPool2d = op("globalAvgPool2d", {
  summary: "The mean of each channel over the whole image; the axes stay, [N, C, 1, 1].",
  inputs: { x: image() },
  outputs: ({ x }) => ({ y: f32(x.shape[0], x.shape[1], 1, 1) }),
  compute: ({ x }, _, k) => {
    const [n, c, h, w] = x.shape;
    const total = k.sum([n, c, 1, 1], [h, w], ([n, c], [i, j]) => x.at(n, c, i, j));
    return { y: k.map([n, c, 1, 1], (i) => total.at(...i).over(h * w)) };
  },
  gradient: ({ inputs, cotangent, emit }) => ({
    x: () => emit("globalAvgPool2dGradient", { x: inputs.x, dy: cotangent }).dx,
  }),
  good: ["globalAvgPool2d(x: [2,3,7,5]) -> [2,3,1,1]"],
  bad: ["globalAvgPool2d(x: [2,3]) -> KILN2008"],
});

/** `x` gives the shape alone and is not read. */
export const globalAvgPool2dGradient = innerOp("globalAvgPool2dGradient", {
  summary: "The gradient of globalAvgPool2d: every position takes an equal share.",
  inputs: { x: image(), dy: image() },
  outputs: ({ x }) => ({ dx: x }),
  compute: ({ x, dy }, _, k) => {
    const [, , h, w] = x.shape;
    return { dx: k.map(x.shape, ([n, c]) => dy.at(n, c, 0, 0).over(h * w)) };
  },
});
