/** Everything Kiln knows about fully connected layers. */

import { tensorType } from "../ir/types.ts";
import { type InputSpec, innerOp, integer, matrix, op, optional, tensor } from "./define.ts";

const features: InputSpec = { ...matrix(), help: "use flatten(x) first" };

export const dense = op("dense", {
  summary: "y = x w^T + b: every output is a weighted sum of all features.",
  inputs: {
    x: features,
    weight: matrix("[units, features]"),
    bias: optional(tensor([1], "[units]")),
  },
  options: { units: integer("output features", { min: 1 }) },
  sugar: ["bias", "activation"],
  parameters: ({ x }, o) => ({
    weight: { shape: [o.units, x.shape[1]], initializer: { kind: "xavier" } },
    bias: { shape: [o.units], initializer: { kind: "constant", value: 0 } },
  }),
  outputs: ({ x }, o) => ({ y: tensorType("f32", [x.shape[0], o.units]) }),
  compute: ({ x, weight, bias }, o, k) => {
    const [n, c] = x.shape;
    const y = k.sum({ n, o: o.units }, { c }, ([n, out], [c]) => x.at(n, c).times(weight.at(out, c)));
    if (!bias) return { y };
    return { y: k.map({ n, o: o.units }, ([n, out]) => y.at(n, out).plus(bias.at(out))) };
  },
  gradient: ({ inputs, cotangent, emit }) => ({
    x: () => emit("denseInputGradient", { weight: inputs.weight, dy: cotangent }).dx,
    weight: () => emit("denseWeightGradient", { x: inputs.x, dy: cotangent }).dw,
    bias: () => emit("channelSum", { x: cotangent }).sum,
  }),
  good: ["dense(x: [2,12], { units: 5 }) -> [2,5]"],
  bad: ["dense(x: [2,3,4,4], { units: 5 }) -> KILN2008"],
});

export const denseInputGradient = innerOp("denseInputGradient", {
  summary: "The gradient of dense with respect to its input: dy w.",
  inputs: { weight: matrix(), dy: matrix() },
  outputs: ({ weight, dy }) => ({ dx: tensorType("f32", [dy.shape[0], weight.shape[1]]) }),
  compute: ({ weight, dy }, _, k) => ({
    dx: k.sum({ n: dy.shape[0], c: weight.shape[1] }, { o: dy.shape[1] }, ([n, c], [out]) =>
      dy.at(n, out).times(weight.at(out, c)),
    ),
  }),
});

export const denseWeightGradient = innerOp("denseWeightGradient", {
  summary: "The gradient of dense with respect to its weight: dy^T x.",
  inputs: { x: matrix(), dy: matrix() },
  outputs: ({ x, dy }) => ({ dw: tensorType("f32", [dy.shape[1], x.shape[1]]) }),
  compute: ({ x, dy }, _, k) => ({
    dw: k.sum({ o: dy.shape[1], c: x.shape[1] }, { n: x.shape[0] }, ([out, c], [n]) => dy.at(n, out).times(x.at(n, c))),
  }),
});
