/** The optimizer: stochastic gradient descent. */

import type { Index } from "../ir/index.ts";
import type { Scalar } from "../ir/scalar.ts";
import { innerOp, optional, type Tensor, tensor } from "./define.ts";

/**
 * PyTorch's form: v = momentum v + (g + weightDecay p), p = p - lr v; without velocity p = p - lr (g + weightDecay p).
 * lr, momentum and weightDecay are uniforms of the run.
 */
export const sgd = innerOp("sgd", {
  summary: "One step of stochastic gradient descent, with weight decay, and with momentum where there is a velocity.",
  inputs: { parameter: tensor(), gradient: tensor(), velocity: optional(tensor()) },
  outputs: ({ parameter, velocity }) => ({ next: parameter, ...(velocity ? { nextVelocity: velocity } : {}) }),
  updates: { parameter: "next", velocity: "nextVelocity" },
  compute: ({ parameter, gradient, velocity }, _, k): Record<string, Tensor> => {
    const { shape } = parameter;
    const decayed = (i: Index[]) => gradient.at(...i).plus(k.uniform("weightDecay").times(parameter.at(...i)));
    const step = (change: (i: Index[]) => Scalar) =>
      k.map(shape, (i) => parameter.at(...i).minus(k.uniform("lr").times(change(i))));
    if (!velocity) return { next: step(decayed) };
    const nextVelocity = k.map(shape, (i) =>
      k
        .uniform("momentum")
        .times(velocity.at(...i))
        .plus(decayed(i)),
    );
    return { next: step((i) => nextVelocity.at(...i)), nextVelocity };
  },
});
