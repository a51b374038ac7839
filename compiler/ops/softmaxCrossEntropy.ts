/** The loss of a classifier. */

import { Index } from "../ir/index.ts";
import { Scalar } from "../ir/scalar.ts";
import { f32 } from "../ir/types.ts";
import { type Compute, innerOp, matrix, type Tensor, tensor } from "./define.ts";

/** Of each row the maximum, and the sum of exp(logit - maximum): no exponential overflows, and the sum is at least 1. */
const rowSums = (logits: Tensor, k: Compute): { largest: Tensor; total: Tensor } => {
  const [n, c] = logits.shape;
  const largest = k.max({ n }, { c }, ([n], [c]) => logits.at(n, c), "largest");
  const total = k.sum({ n }, { c }, ([n], [c]) => logits.at(n, c).minus(largest.at(n)).exp(), "total");
  return { largest, total };
};

export const softmaxCrossEntropy = innerOp("softmaxCrossEntropy", {
  summary: "The mean over the batch of logsumexp(logits) - logits[label].",
  inputs: { logits: matrix(), labels: tensor([1], "i32 [N]") },
  outputs: () => ({ loss: f32() }),
  compute: ({ logits, labels }, _, k) => {
    const [n, c] = logits.shape;
    const { largest, total } = rowSums(logits, k);
    const loss = k.sum([], { n }, (_, [n]) => {
      const label = Index.data(labels.at(n), 0, c - 1);
      return total.at(n).log().plus(largest.at(n)).minus(logits.at(n, label));
    });
    return { loss: k.map([], () => loss.at().over(n)) };
  },
  gradient: ({ inputs, cotangent, emit }) => ({
    logits: () => emit("softmaxCrossEntropyGradient", { ...inputs, dloss: cotangent }).dlogits,
  }),
});

export const softmaxCrossEntropyGradient = innerOp("softmaxCrossEntropyGradient", {
  summary: "The gradient of softmaxCrossEntropy: (softmax(logits) - one-hot(label)) / N, times the loss's cotangent.",
  inputs: { logits: matrix(), labels: tensor([1], "i32 [N]"), dloss: tensor([0]) },
  outputs: ({ logits }) => ({ dlogits: logits }),
  compute: ({ logits, labels, dloss }, _, k) => {
    const [n, c] = logits.shape;
    const { largest, total } = rowSums(logits, k);
    return {
      dlogits: k.map({ n, c }, ([i, j]) => {
        const probability = logits.at(i, j).minus(largest.at(i)).exp().over(total.at(i));
        const target = Scalar.select(labels.at(i).equals(Scalar.index(j)), Scalar.constant(1), 0);
        return probability.minus(target).times(dloss.at().over(n));
      }),
    };
  },
});
