/** Everything Kiln knows about flattening. */

import { Index } from "../ir/index.ts";
import { elementCount, f32 } from "../ir/types.ts";
import { flatIndex, innerOp, matrix, op, tensor } from "./define.ts";

export const flatten = op("flatten", {
  summary: "All of an example's elements in one axis, row-major: [N, C, H, W] becomes [N, C * H * W].",
  inputs: { x: tensor([2, 4]) },
  outputs: ({ x }) => ({ y: f32(x.shape[0], elementCount(x.shape.slice(1))) }),
  compute: ({ x }, _, k) => {
    const [n, ...rest] = x.shape;
    const y = k.map([n, elementCount(rest)], ([n, f]) => {
      const inside = rest.map((extent, d) => f.div(elementCount(rest.slice(d + 1))).mod(extent));
      return x.at(n, ...inside);
    });
    return { y };
  },
  identity: ({ x }) => (x.shape.length === 2 ? "x" : undefined),
  gradient: ({ inputs, cotangent, emit }) => ({
    x: () => emit("unflatten", { x: inputs.x, dy: cotangent }).dx,
  }),
  good: ["flatten(x: [2,3,4,5]) -> [2,60]", "flatten(x: [2,7]) -> [2,7]"],
});

/** `x` gives the shape alone and is not read. */
export const unflatten = innerOp("unflatten", {
  summary: "The gradient of flatten: the elements in the image's axes again.",
  inputs: { x: tensor([2, 4]), dy: matrix() },
  outputs: ({ x }) => ({ dx: x }),
  compute: ({ x, dy }, _, k) => ({
    dx: k.map(x.shape, ([n, ...rest]) => dy.at(Index.of(n), flatIndex(rest, x.shape.slice(1)))),
  }),
});
