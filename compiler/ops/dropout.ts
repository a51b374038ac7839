/** Everything Kiln knows about dropout. */

import { Scalar } from "../ir/scalar.ts";
import { flatIndex, integer, number, op, tensor } from "./define.ts";

/**
 * Inverted dropout: what stays is scaled by 1 / (1 - rate). The mask is a function of seed, step, stream and element, so
 * it is not stored: the gradient is the same op, with the same stream, on the cotangent.
 */
export const dropout = op("dropout", {
  summary: "In training, zeroes each element with probability `rate` and divides the others by 1 - rate.",
  inputs: { x: tensor() },
  options: {
    rate: number("probability of an element to become 0", { min: 0, below: 1 }),
    stream: integer("which stream of random numbers; numbered by the compiler", { default: 0, min: 0, hidden: true }),
  },
  outputs: ({ x }) => ({ y: x }),
  compute: ({ x }, { rate }, k) => ({
    y: k.map(x.shape, (i) => {
      const dropped = k.random(flatIndex(i, x.shape)).lessThan(rate);
      return Scalar.select(dropped, Scalar.constant(0), x.at(...i).over(1 - rate));
    }),
  }),
  inference: ({ x }) => ({ y: x }),
  identity: (_, { rate }, mode) => (rate === 0 || mode === "infer" ? "x" : undefined),
  gradient: ({ cotangent, emit, stored }) => ({ x: () => emit("dropout", { x: cotangent }, stored).y }),
  good: ["dropout(x: [2,7], { rate: 0.5 }) -> [2,7]", "dropout(x: [2,3,4,4], { rate: 0 }) -> [2,3,4,4]"],
});
