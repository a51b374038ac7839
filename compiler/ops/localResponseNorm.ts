/** Everything Kiln knows about local response normalisation (Krizhevsky, Sutskever, Hinton 2012, section 3.3). */

import { type Compute, image, innerOp, integer, number, OpError, op, type Tensor } from "./define.ts";

const options = {
  size: integer("number of neighbouring channels", { default: 5, min: 1 }),
  alpha: number("scale of the sum of squares; divided by size", { default: 1e-4, min: 0 }),
  beta: number("exponent", { default: 0.75, min: 0 }),
  k: number("added to the sum; above 0", { default: 2, min: 0 }),
};

interface Settings {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;
}

/** Channel c reads c - before .. c + size - 1 - before. */
const before = ({ size }: Settings): number => Math.floor(size / 2);

/** k + alpha / size * sum of x[j]^2 over the neighbouring channels j; alpha is divided by size at the borders too. */
const denominators = (x: Tensor, o: Settings, k: Compute): Tensor => {
  const squares = k.sum(x.shape, { j: o.size }, ([n, c, h, w], [j]) => {
    const neighbour = x.at(n, c.plus(j).minus(before(o)), h, w);
    return neighbour.times(neighbour);
  });
  return k.map(
    x.shape,
    (i) =>
      squares
        .at(...i)
        .times(o.alpha / o.size)
        .plus(o.k),
    "denominator",
  );
};

export const localResponseNorm = op("localResponseNorm", {
  summary: "x / (k + alpha / size * sum of squares over neighbouring channels) ^ beta.",
  inputs: { x: image() },
  options,
  outputs: ({ x }, o) => {
    if (o.k <= 0)
      throw new OpError(
        "KILN2006",
        `localResponseNorm: k is ${o.k}`,
        "use a k above 0: a channel of zeros is divided by k",
      );
    return { y: x };
  },
  compute: ({ x }, o, k) => {
    const denominator = denominators(x, o, k);
    return { y: k.map(x.shape, (i) => x.at(...i).times(denominator.at(...i).pow(-o.beta))) };
  },
  gradient: ({ inputs, cotangent, emit, stored }) => ({
    x: () => emit("localResponseNormGradient", { x: inputs.x, dy: cotangent }, stored).dx,
  }),
  good: ["localResponseNorm(x: [2,9,4,4]) -> [2,9,4,4]", "localResponseNorm(x: [2,9,4,4], { size: 4 }) -> [2,9,4,4]"],
  bad: ["localResponseNorm(x: [2,9]) -> KILN2008", "localResponseNorm(x: [2,9,4,4], { k: 0 }) -> KILN2006"],
});

/** dx[c] = dy[c] d[c]^-beta - 2 alpha beta / size * x[c] * sum over the channels e that read c of dy[e] x[e] d[e]^(-beta-1) */
export const localResponseNormGradient = innerOp("localResponseNormGradient", {
  summary: "The gradient of localResponseNorm.",
  inputs: { x: image(), dy: image() },
  options,
  outputs: ({ x }) => ({ dx: x }),
  compute: ({ x, dy }, o, k) => {
    const denominator = denominators(x, o, k);
    const weighted = k.map(x.shape, (i) =>
      dy
        .at(...i)
        .times(x.at(...i))
        .times(denominator.at(...i).pow(-o.beta - 1)),
    );
    const readers = k.sum(x.shape, { j: o.size }, ([n, c, h, w], [j]) =>
      weighted.at(n, c.plus(before(o)).minus(j), h, w),
    );
    const dx = k.map(x.shape, (i) => {
      const own = dy.at(...i).times(denominator.at(...i).pow(-o.beta));
      return own.minus(
        x
          .at(...i)
          .times(readers.at(...i))
          .times((2 * o.alpha * o.beta) / o.size),
      );
    });
    return { dx };
  },
});
