/** The sum over everything but the channels: the gradient of a bias. */

import { f32 } from "../ir/types.ts";
import { innerOp, tensor } from "./define.ts";

export const channelSum = innerOp("channelSum", {
  summary: "The sum over the batch and all positions, a number a channel: the gradient of a bias.",
  inputs: { x: tensor([2, 4]) },
  outputs: ({ x }) => ({ sum: f32(x.shape[1]) }),
  compute: ({ x }, _, k) => {
    const [n, c, ...positions] = x.shape;
    return { sum: k.sum({ c }, [n, ...positions], ([c], [n, ...i]) => x.at(n, c, ...i)) };
  },
});
