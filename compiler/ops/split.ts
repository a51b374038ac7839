/** Everything Kiln knows about cutting tensors into parts. */

import { formatType, tensorType } from "../ir/types.ts";
import { checkAxis, withAxis } from "./axis.ts";
import { integer, OpError, op, tensor } from "./define.ts";

export const split = op("split", {
  summary: "A tensor cut into equal parts along an axis; an array of them.",
  inputs: { x: tensor() },
  options: {
    sections: integer("number of parts", { min: 1 }),
    axis: integer("the axis to cut, counting the batch: 1 is channels", { min: 0 }),
  },
  outputs: ({ x }, { sections, axis }) => {
    checkAxis("split", x, axis);
    const extent = x.shape[axis];
    if (extent % sections !== 0)
      throw new OpError(
        "KILN2003",
        `split: axis ${axis} of ${formatType(x)} cannot be cut into ${sections} equal parts (${extent} / ${sections} leaves ${extent % sections})`,
        `use a number of sections that divides ${extent}`,
      );
    const part = tensorType("f32", withAxis(x.shape, axis, extent / sections));
    return Object.fromEntries(Array.from({ length: sections }, (_, s) => [`${s}`, part]));
  },
  compute: ({ x }, { sections, axis }, k) => {
    const size = x.shape[axis] / sections;
    const part = (s: number) =>
      k.map(withAxis(x.shape, axis, size), (i) => x.at(...withAxis(i, axis, i[axis].plus(s * size))));
    return Object.fromEntries(Array.from({ length: sections }, (_, s) => [`${s}`, part(s)]));
  },
  identity: (_, { sections }) => (sections === 1 ? "x" : undefined),
  gradient: ({ outputs, cotangents, emit, options: { sections, axis } }) => ({
    x: () => {
      const tensors = Array.from({ length: sections }, (_, s) => {
        const { shape } = outputs[s].type;
        return cotangents[s] ?? emit("constant", {}, { value: 0, shape }).y;
      });
      return emit("concat", { tensors }, { axis }).y;
    },
  }),
  good: [
    "split(x: [2,6,4,4], { sections: 3, axis: 1 }) -> [2,2,4,4]",
    "split(x: [2,8], { sections: 2, axis: 1 }) -> [2,4]",
  ],
  bad: [
    "split(x: [2,6,4,4], { sections: 4, axis: 1 }) -> KILN2003",
    "split(x: [2,6,4,4], { sections: 2, axis: 4 }) -> KILN2006",
  ],
});
