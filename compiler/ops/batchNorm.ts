/** Everything Kiln knows about batch normalisation. */

import type { Index } from "../ir/index.ts";
import { elementCount, f32 } from "../ir/types.ts";
import { innerOp, number, op, type Tensor, tensor } from "./define.ts";

const perChannel = tensor([1], "[channels]");
const options = {
  epsilon: number("added to the variance", { default: 1e-5, min: 0 }),
  momentum: number("share of the batch in the running statistics", { default: 0.1, min: 0 }),
};

/** The domain over which a channel's statistics are taken, and how many elements it has. */
const domain = (x: Tensor) => {
  const [n, c, ...positions] = x.shape;
  const over = [n, ...positions];
  /** The index of the element of channel c at a point of the domain. */
  const at = (c: Index, [n, ...i]: Index[]) => x.at(n, c, ...i);
  return { channels: { c }, over, count: elementCount(over), at };
};

/**
 * Training normalises with the batch's mean and biased variance and moves the running statistics towards them (the
 * running variance towards the unbiased one); inference normalises with the running statistics.
 */
export const batchNorm = op("batchNorm", {
  summary: "Each channel shifted and scaled to mean 0 and variance 1 over batch and positions, times weight plus bias.",
  inputs: {
    x: tensor([2, 4]),
    weight: perChannel,
    bias: perChannel,
    running_mean: perChannel,
    running_var: perChannel,
  },
  options,
  parameters: ({ x }) => {
    const shape = [x.shape[1]];
    return {
      weight: { shape, initializer: { kind: "constant", value: 1 } },
      bias: { shape, initializer: { kind: "constant", value: 0 } },
      running_mean: { shape, initializer: { kind: "constant", value: 0 }, role: "statistic" },
      running_var: { shape, initializer: { kind: "constant", value: 1 }, role: "statistic" },
    };
  },
  outputs: ({ x }) => {
    const channels = f32(x.shape[1]);
    return { y: x, mean: channels, variance: channels, nextMean: channels, nextVariance: channels };
  },
  updates: { running_mean: "nextMean", running_var: "nextVariance" },
  compute: ({ x, weight, bias, running_mean, running_var }, o, k) => {
    const { channels, over, count, at } = domain(x);
    const total = k.sum(channels, over, ([c], i) => at(c, i));
    const mean = k.map(channels, ([c]) => total.at(c).over(count));
    const squares = k.sum(channels, over, ([c], i) => {
      const centred = at(c, i).minus(mean.at(c));
      return centred.times(centred);
    });
    const variance = k.map(channels, ([c]) => squares.at(c).over(count));
    const moved = (running: Tensor, batch: Tensor, correction: number) =>
      k.map(channels, ([c]) =>
        running
          .at(c)
          .times(1 - o.momentum)
          .plus(batch.at(c).times(o.momentum * correction)),
      );
    return {
      y: normalise(x, weight, bias, mean, variance, o.epsilon, k.map.bind(k)),
      mean,
      variance,
      nextMean: moved(running_mean, mean, 1),
      // One element has no variance: it is 0 then, whatever the correction.
      nextVariance: moved(running_var, variance, count / Math.max(count - 1, 1)),
    };
  },
  inference: ({ x, weight, bias, running_mean, running_var }, o, k) => ({
    y: normalise(x, weight, bias, running_mean, running_var, o.epsilon, k.map.bind(k)),
  }),
  gradient: ({ inputs, outputs, cotangent, emit, stored }) => {
    const { x, weight } = inputs;
    const { mean, variance } = outputs;
    const given = { x, mean, variance, dy: cotangent };
    const dweight = once(() => emit("batchNormWeightGradient", given, stored).dweight);
    const dbias = once(() => emit("channelSum", { x: cotangent }).sum);
    return {
      x: () => emit("batchNormInputGradient", { ...given, weight, dweight: dweight(), dbias: dbias() }, stored).dx,
      weight: dweight,
      bias: dbias,
    };
  },
  good: ["batchNorm(x: [2,3,4,4]) -> [2,3,4,4]", "batchNorm(x: [8,3], { epsilon: 0.001 }) -> [8,3]"],
  bad: ["batchNorm(x: [3]) -> KILN2008"],
});

const once = <T>(make: () => T): (() => T) => {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
};

const normalise = (
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  mean: Tensor,
  variance: Tensor,
  epsilon: number,
  map: (shape: readonly number[], f: (i: Index[]) => ReturnType<Tensor["at"]>) => Tensor,
): Tensor =>
  map(x.shape, (i) => {
    const c = i[1];
    const deviation = variance.at(c).plus(epsilon).sqrt();
    return x
      .at(...i)
      .minus(mean.at(c))
      .times(weight.at(c).over(deviation))
      .plus(bias.at(c));
  });

export const batchNormWeightGradient = innerOp("batchNormWeightGradient", {
  summary: "The gradient of batchNorm with respect to its weight: the sum of dy times the normalised input.",
  inputs: { x: tensor([2, 4]), mean: perChannel, variance: perChannel, dy: tensor([2, 4]) },
  options,
  outputs: ({ mean }) => ({ dweight: mean }),
  compute: ({ x, mean, variance, dy }, o, k) => {
    const { channels, over, at } = domain(x);
    const total = k.sum(channels, over, ([c], i) => {
      const [n, ...positions] = i;
      return dy.at(n, c, ...positions).times(at(c, i).minus(mean.at(c)));
    });
    return { dweight: k.map(channels, ([c]) => total.at(c).over(variance.at(c).plus(o.epsilon).sqrt())) };
  },
});

/** dx = weight / deviation * (dy - dbias / M - normalised x * dweight / M), M elements a channel (Ioffe, Szegedy 2015). */
export const batchNormInputGradient = innerOp("batchNormInputGradient", {
  summary: "The gradient of batchNorm with respect to its input, in training.",
  inputs: {
    x: tensor([2, 4]),
    weight: perChannel,
    mean: perChannel,
    variance: perChannel,
    dweight: perChannel,
    dbias: perChannel,
    dy: tensor([2, 4]),
  },
  options,
  outputs: ({ x }) => ({ dx: x }),
  compute: ({ x, weight, mean, variance, dweight, dbias, dy }, o, k) => {
    const { count } = domain(x);
    const dx = k.map(x.shape, (i) => {
      const c = i[1];
      const deviation = variance.at(c).plus(o.epsilon).sqrt();
      const normalised = x
        .at(...i)
        .minus(mean.at(c))
        .over(deviation);
      const centred = dy
        .at(...i)
        .minus(dbias.at(c).over(count))
        .minus(normalised.times(dweight.at(c).over(count)));
      return weight.at(c).over(deviation).times(centred);
    });
    return { dx };
  },
});
