/** Everything Kiln knows about convolution. */

import type { Index } from "../ir/index.ts";
import { tensorType } from "../ir/types.ts";
import { divideExact, image, innerOp, integer, OpError, op, optional, pair, tensor } from "./define.ts";
import { windowOutput } from "./window.ts";

const convolution = {
  channels: integer("output channels", { min: 1 }),
  kernel: pair("height and width of the kernel", { min: 1 }),
  stride: pair("step between positions of the kernel", { default: [1, 1], min: 1 }),
  padding: pair("rows and columns of zeros added on each side", { default: [0, 0], min: 0 }),
  dilation: pair("distance between neighbouring elements of the kernel", { default: [1, 1], min: 1 }),
  groups: integer("parts into which channels are split; each output channel reads its own part alone", {
    default: 1,
    min: 1,
  }),
};

const checkGroups = (inputs: number, { channels, groups }: { channels: number; groups: number }): void => {
  const refuse = (what: string, count: number) => {
    throw new OpError(
      "KILN2007",
      `conv2d: ${count} ${what} channels cannot be split into ${groups} groups (${count} / ${groups} leaves ${count % groups})`,
      `use a number of groups that divides both ${inputs} and ${channels}`,
    );
  };
  if (inputs % groups !== 0) refuse("input", inputs);
  if (channels % groups !== 0) refuse("output", channels);
};

export const conv2d = op("conv2d", {
  summary: "Cross-correlation of an image with a kernel, channels in groups, plus a bias a channel.",
  inputs: {
    x: image(),
    weight: tensor([4], "[channels, input channels / groups, kernel height, kernel width]"),
    bias: optional(tensor([1], "[channels]")),
  },
  options: convolution,
  sugar: ["bias", "activation"],
  parameters: ({ x }, o) => ({
    weight: {
      shape: [o.channels, x.shape[1] / o.groups, o.kernel.h, o.kernel.w],
      initializer: { kind: "xavier" },
    },
    bias: { shape: [o.channels], initializer: { kind: "constant", value: 0 } },
  }),
  outputs: ({ x }, o) => {
    const [n, c, h, w] = x.shape;
    checkGroups(c, o);
    return { y: tensorType("f32", [n, o.channels, ...windowOutput("conv2d", [h, w], o)]) };
  },
  compute: ({ x, weight, bias }, o, k) => {
    const [batch, channels, height, width] = x.shape;
    const [h, w] = windowOutput("conv2d", [height, width], o);
    const inputs = channels / o.groups;
    const y = k.sum(
      { n: batch, o: o.channels, h, w },
      { c: inputs, p: o.kernel.h, q: o.kernel.w },
      ([n, out, i, j], [c, p, q]) => {
        const group = out.div(o.channels / o.groups);
        return x
          .at(n, group.times(inputs).plus(c), position(i, p, o, "h"), position(j, q, o, "w"))
          .times(weight.at(out, c, p, q));
      },
    );
    if (!bias) return { y };
    return { y: k.map({ n: batch, o: o.channels, h, w }, ([n, out, i, j]) => y.at(n, out, i, j).plus(bias.at(out))) };
  },
  gradient: ({ inputs, cotangent, emit, stored }) => ({
    x: () => emit("conv2dInputGradient", { x: inputs.x, weight: inputs.weight, dy: cotangent }, stored).dx,
    weight: () => emit("conv2dWeightGradient", { x: inputs.x, dy: cotangent }, stored).dw,
    bias: () => emit("channelSum", { x: cotangent }).sum,
  }),
  good: [
    "conv2d(x: [2,3,8,8], { channels: 4, kernel: 3 }) -> [2,4,6,6]",
    "conv2d(x: [2,3,9,8], { channels: 4, kernel: [3, 2], stride: [2, 1], padding: [1, 0] }) -> [2,4,5,7]",
    "conv2d(x: [2,4,9,9], { channels: 6, kernel: 3, dilation: 2, groups: 2 }) -> [2,6,5,5]",
  ],
  bad: [
    "conv2d(x: [2,3,4,4], { channels: 4, kernel: 5 }) -> KILN2004",
    "conv2d(x: [2,3,8,8], { channels: 4, kernel: 3, groups: 2 }) -> KILN2007",
    "conv2d(x: [2,4,8,8], { channels: 3, kernel: 3, groups: 2 }) -> KILN2007",
    "conv2d(x: [2,12], { channels: 3, kernel: 3 }) -> KILN2008",
  ],
});

type Placement = Record<"stride" | "padding" | "dilation", { h: number; w: number }>;

/** Row (or column) of the input that kernel element p meets at output position i. */
const position = (i: Index, p: Index, o: Placement, side: "h" | "w"): Index =>
  i.times(o.stride[side]).plus(p.times(o.dilation[side])).minus(o.padding[side]);

/** Each input element sums, over the outputs that read it, cotangent times weight. `x` gives the shape alone and is not
 * read. */
export const conv2dInputGradient = innerOp("conv2dInputGradient", {
  summary: "The gradient of conv2d with respect to its input.",
  inputs: { x: image(), weight: tensor([4]), dy: image() },
  options: convolution,
  outputs: ({ x }) => ({ dx: x }),
  compute: ({ x, weight, dy }, o, k) => {
    const [n, c, h, w] = x.shape;
    const inputs = c / o.groups;
    const outputs = o.channels / o.groups;
    const dx = k.sum({ n, c, h, w }, { o: outputs, p: o.kernel.h, q: o.kernel.w }, ([n, c, h, w], [out, p, q]) => {
      const channel = c.div(inputs).times(outputs).plus(out);
      const i = divideExact(h.plus(o.padding.h).minus(p.times(o.dilation.h)), o.stride.h);
      const j = divideExact(w.plus(o.padding.w).minus(q.times(o.dilation.w)), o.stride.w);
      return dy.at(n, channel, i, j).times(weight.at(channel, c.mod(inputs), p, q));
    });
    return { dx };
  },
});

export const conv2dWeightGradient = innerOp("conv2dWeightGradient", {
  summary: "The gradient of conv2d with respect to its weight.",
  inputs: { x: image(), dy: image() },
  options: convolution,
  outputs: ({ x }, o) => ({
    dw: tensorType("f32", [o.channels, x.shape[1] / o.groups, o.kernel.h, o.kernel.w]),
  }),
  compute: ({ x, dy }, o, k) => {
    const inputs = x.shape[1] / o.groups;
    const [n, , h, w] = dy.shape;
    const dw = k.sum(
      { o: o.channels, c: inputs, p: o.kernel.h, q: o.kernel.w },
      { n, h, w },
      ([out, c, p, q], [n, i, j]) => {
        const group = out.div(o.channels / o.groups);
        return dy
          .at(n, out, i, j)
          .times(x.at(n, group.times(inputs).plus(c), position(i, p, o, "h"), position(j, q, o, "w")));
      },
    );
    return { dw };
  },
});
