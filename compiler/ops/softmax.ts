/** Everything Kiln knows about softmax. */

import type { Index } from "../ir/index.ts";
import { checkAxis, withAxis } from "./axis.ts";
import { innerOp, integer, op, tensor } from "./define.ts";

const options = { axis: integer("the axis along which the result sums to 1", { default: 1, min: 0 }) };

export const softmax = op("softmax", {
  summary: "exp(x) divided by its sum along an axis.",
  inputs: { x: tensor() },
  options,
  outputs: ({ x }, { axis }) => {
    checkAxis("softmax", x, axis);
    return { y: x };
  },
  compute: ({ x }, { axis }, k) => {
    const outer = withAxis(x.shape, axis);
    const along = { c: x.shape[axis] };
    // `i` has all axes but this one.
    const put = (i: Index[], c: Index) => [...i.slice(0, axis), c, ...i.slice(axis)];
    const largest = k.max(outer, along, (i, [c]) => x.at(...put(i, c)), "largest");
    const total = k.sum(outer, along, (i, [c]) =>
      x
        .at(...put(i, c))
        .minus(largest.at(...i))
        .exp(),
    );
    const y = k.map(x.shape, (i) => {
      const rest = withAxis(i, axis);
      return x
        .at(...i)
        .minus(largest.at(...rest))
        .exp()
        .over(total.at(...rest));
    });
    return { y };
  },
  gradient: ({ outputs, cotangent, emit, stored }) => ({
    x: () => emit("softmaxGradient", { y: outputs.y, dy: cotangent }, stored).dx,
  }),
  good: ["softmax(x: [2,10]) -> [2,10]", "softmax(x: [2,3,4,4], { axis: 3 }) -> [2,3,4,4]"],
  bad: ["softmax(x: [2,10], { axis: 2 }) -> KILN2006"],
});

export const softmaxGradient = innerOp("softmaxGradient", {
  summary: "The gradient of softmax: y (dy - sum of dy y along the axis).",
  inputs: { y: tensor(), dy: tensor() },
  options,
  outputs: ({ y }) => ({ dx: y }),
  compute: ({ y, dy }, { axis }, k) => {
    const put = (i: Index[], c: Index) => [...i.slice(0, axis), c, ...i.slice(axis)];
    const total = k.sum(withAxis(y.shape, axis), { c: y.shape[axis] }, (i, [c]) =>
      y.at(...put(i, c)).times(dy.at(...put(i, c))),
    );
    return { dx: k.map(y.shape, (i) => y.at(...i).times(dy.at(...i).minus(total.at(...withAxis(i, axis))))) };
  },
});
