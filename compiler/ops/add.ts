/** Everything Kiln knows about addition. */

import { formatType, sameShape } from "../ir/types.ts";
import { OpError, op, tensor } from "./define.ts";

export const add = op("add", {
  summary: "The sum of two tensors of the same shape, element by element.",
  inputs: { a: tensor(), b: tensor() },
  outputs: ({ a, b }) => {
    if (!sameShape(a.shape, b.shape))
      throw new OpError(
        "KILN2003",
        `add: ${formatType(a)} and ${formatType(b)} are not of the same shape`,
        "give both the same shape: add does not broadcast",
      );
    return { y: a };
  },
  compute: ({ a, b }, _, k) => ({ y: k.map(a.shape, (i) => a.at(...i).plus(b.at(...i))) }),
  gradient: ({ cotangent }) => ({ a: () => cotangent, b: () => cotangent }),
  good: ["add(a: [2,3,4,4], b: [2,3,4,4]) -> [2,3,4,4]", "add(a: [2,7], b: [2,7]) -> [2,7]"],
  bad: ["add(a: [2,3,4,4], b: [2,3,4,5]) -> KILN2003", "add(a: [2,3,1,1], b: [2,3]) -> KILN2003"],
});
