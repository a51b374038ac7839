/** Everything Kiln knows about joining tensors. */

import { formatType, tensorType } from "../ir/types.ts";
import { checkAxis, withAxis } from "./axis.ts";
import { innerOp, integer, list, OpError, op, tensor } from "./define.ts";

export const concat = op("concat", {
  summary: "Tensors one after another along an axis; their other axes are equal.",
  inputs: { tensors: list("at least one") },
  options: { axis: integer("the axis along which to join, counting the batch: 1 is channels", { min: 0 }) },
  outputs: ({ tensors }, { axis }) => {
    const [first, ...others] = tensors;
    if (!first) throw new OpError("KILN2003", "concat: the list is empty", "give at least one tensor");
    checkAxis("concat", first, axis);
    const wanted = withAxis(first.shape, axis).join();
    for (const other of others)
      if (other.shape.length !== first.shape.length || withAxis(other.shape, axis).join() !== wanted)
        throw new OpError(
          "KILN2003",
          `concat: ${formatType(first)} and ${formatType(other)} differ in more than axis ${axis}`,
          `make all axes but ${axis} equal`,
        );
    const extent = tensors.reduce((sum, t) => sum + t.shape[axis], 0);
    return { y: tensorType("f32", withAxis(first.shape, axis, extent)) };
  },
  compute: ({ tensors }, { axis }, k) => {
    const starts = startsAlong(
      tensors.map((t) => t.shape),
      axis,
    );
    const extent = tensors.reduce((sum, t) => sum + t.shape[axis], 0);
    // Each read is 0 outside its own part, so the sum has one part's element everywhere.
    const y = k.map(withAxis(tensors[0].shape, axis, extent), (i) =>
      tensors
        .map((t, part) => t.at(...withAxis(i, axis, i[axis].minus(starts[part]))))
        .reduce((sum, element) => sum.plus(element)),
    );
    return { y };
  },
  identity: ({ tensors }) => (tensors.length === 1 ? "tensors" : undefined),
  gradient: ({ inputs, cotangent, emit, options: { axis } }) => {
    const starts = startsAlong(
      inputs.tensors.map((v) => v.type.shape),
      axis,
    );
    return {
      tensors: inputs.tensors.map((v, part) => () => {
        const where = { axis, start: starts[part], size: v.type.shape[axis] };
        return emit("slice", { x: cotangent }, where).y;
      }),
    };
  },
  good: [
    "concat(tensors: [[2,3,4,4], [2,5,4,4]], { axis: 1 }) -> [2,8,4,4]",
    "concat(tensors: [[2,3], [2,3], [2,1]], { axis: 1 }) -> [2,7]",
    "concat(tensors: [[2,3,4,4], [2,3,4,1]], { axis: 3 }) -> [2,3,4,5]",
  ],
  bad: [
    "concat(tensors: [[2,3,4,4], [2,3,4,5]], { axis: 1 }) -> KILN2003",
    "concat(tensors: [[2,3], [2,3]], { axis: 2 }) -> KILN2006",
  ],
});

/** Where each part begins along the axis. */
const startsAlong = (shapes: readonly (readonly number[])[], axis: number): number[] => {
  let next = 0;
  return shapes.map((shape) => {
    const start = next;
    next += shape[axis];
    return start;
  });
};

export const slice = innerOp("slice", {
  summary: "The part of a tensor from `start`, `size` long, along an axis: the gradient of concat.",
  inputs: { x: tensor() },
  options: {
    axis: integer("the axis", { min: 0 }),
    start: integer("where the part begins", { min: 0 }),
    size: integer("its length", { min: 1 }),
  },
  outputs: ({ x }, o) => ({ y: tensorType("f32", withAxis(x.shape, o.axis, o.size)) }),
  compute: ({ x }, o, k) => ({
    y: k.map(withAxis(x.shape, o.axis, o.size), (i) => x.at(...withAxis(i, o.axis, i[o.axis].plus(o.start)))),
  }),
  gradient: ({ inputs, cotangent, emit, options }) => ({
    x: () => {
      const { axis, start, size } = options;
      const { shape } = inputs.x.type;
      const zeros = (extent: number) =>
        extent === 0 ? [] : [emit("constant", {}, { value: 0, shape: withAxis(shape, axis, extent) }).y];
      const tensors = [...zeros(start), cotangent, ...zeros(shape[axis] - start - size)];
      return emit("concat", { tensors }, { axis }).y;
    },
  }),
});
