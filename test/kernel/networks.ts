/** Random small networks. A layer is a wish in numbers, made to fit whatever shape reaches it, so that all of them shrink. */
import fc from "fast-check";
import type { Graph } from "../../compiler/ir/graph.ts";
import type { Value } from "../../compiler/ir/types.ts";
import { type Call, model } from "./models.ts";

interface Ops {
  readonly call: Call;
  /** All outputs of an op. */
  readonly all: Call<Value[]>;
  /** Set where neighbours are the same number but for rounding, so that which of them is greatest means nothing. */
  tied: boolean;
}

interface Layer {
  readonly wish: fc.Arbitrary<unknown>;
  readonly apply: (ops: Ops, x: Value, wish: any) => Value;
}

const layer = <W>(wish: fc.Arbitrary<W>, apply: (ops: Ops, x: Value, wish: W) => Value): Layer => ({ wish, apply });
const plain = (op: string): Layer => layer(fc.constant({}), ({ call }, x) => call(op, x));

export const small = (min: number, max: number) => fc.integer({ min, max });
const pair = (min: number, max: number) => fc.tuple(small(min, max), small(min, max));
const sizeOf = (x: Value) => x.type.shape.slice(2);
/** The smallest number above 1 that divides, or 1. */
const leastFactor = (n: number): number => [...Array(n + 1).keys()].find((f) => f > 1 && n % f === 0) ?? 1;
const oneByOne = ({ call }: Ops, x: Value, channels: number) => call("conv2d", x, { channels, kernel: 1 });

const conv2d = layer(
  fc.record({
    channels: small(1, 9),
    kernel: pair(1, 4),
    /** The kernel is as large as the image. */
    whole: fc.constantFrom(false, false, true),
    stride: pair(1, 3),
    padding: pair(0, 2),
    dilation: pair(1, 3),
    groups: fc.constantFrom("one", "some", "depthwise"),
    bias: fc.boolean(),
  }),
  ({ call }, x, w) => {
    const padded = sizeOf(x).map((s, d) => s + 2 * w.padding[d]);
    const kernel = sizeOf(x).map((s, d) => (w.whole ? s : Math.min(w.kernel[d], padded[d])));
    const dilation = kernel.map((k, d) =>
      k === 1 ? w.dilation[d] : Math.max(1, Math.min(w.dilation[d], Math.floor((padded[d] - 1) / (k - 1)))),
    );
    const inputs = x.type.shape[1];
    const groups = w.groups === "one" ? 1 : w.groups === "some" ? leastFactor(inputs) : inputs;
    const channels = groups * Math.ceil(w.channels / groups);
    const { stride, padding } = w;
    const more = w.bias ? {} : { bias: undefined };
    return call("conv2d", x, { channels, kernel, stride, padding, dilation, groups }, more);
  },
);

/** A window that meets the image wherever it stands. */
const pool = (op: string): Layer =>
  layer(fc.record({ kernel: pair(1, 4), stride: pair(1, 3), padding: pair(0, 2) }), ({ call, tied }, x, w) => {
    const size = sizeOf(x);
    const wished = w.padding.map((p, d) => Math.min(p, w.kernel[d] - 1));
    const kernel = w.kernel.map((k, d) => Math.min(k, size[d] + 2 * wished[d]));
    const padding = wished.map((p, d) => Math.min(p, kernel[d] - 1));
    return call(tied ? "avgPool2d" : op, x, { kernel, stride: w.stride, padding });
  });

const axis = fc.nat(3);
const axisIn = (x: Value, wished: number) => wished % x.type.shape.length;

/** What images and matrices both go through. */
const either: Record<string, Layer> = {
  relu: plain("relu"),
  add: layer(fc.constantFrom("itself", "its relu", "twice"), ({ call }, x, other) => {
    const b = other === "itself" ? x : call("relu", x);
    const sum = call("add", x, {}, { b });
    return other === "twice" ? call("add", sum, {}, { b }) : sum;
  }),
  batchNorm: layer(fc.constantFrom(1e-3, 0.1), ({ call }, x, epsilon) => call("batchNorm", x, { epsilon })),
  softmax: layer(axis, ({ call }, x, a) => call("softmax", x, { axis: axisIn(x, a) })),
  dropout: layer(fc.constantFrom(0.5, 0.2), ({ call }, x, rate) => call("dropout", x, { rate })),
  concat: layer(fc.record({ axis, parts: small(1, 3), channels: small(1, 3) }), (ops, x, w) => {
    const along = axisIn(x, w.axis);
    const branch = along === 1 && x.type.shape.length === 4 ? oneByOne(ops, x, w.channels) : ops.call("relu", x);
    return ops.call("concat", x, { axis: along }, { tensors: [x, branch, x].slice(0, w.parts) });
  }),
  split: layer(fc.record({ axis: small(1, 3), use: fc.constantFrom("last", "sum", "swapped") }), (ops, x, w) => {
    const along = Math.max(1, axisIn(x, w.axis));
    const parts = ops.all("split", x, { sections: leastFactor(x.type.shape[along]), axis: along });
    if (w.use === "last") return parts[parts.length - 1];
    if (w.use === "sum") return parts.reduce((sum, b) => ops.call("add", sum, {}, { b }));
    return ops.call("concat", x, { axis: along }, { tensors: parts.toReversed() });
  }),
};

const ofImages: Record<string, Layer> = {
  ...either,
  conv2d,
  maxPool2d: pool("maxPool2d"),
  avgPool2d: pool("avgPool2d"),
  globalAvgPool2d: plain("globalAvgPool2d"),
  localResponseNorm: layer(
    fc.record({ size: small(1, 5), alpha: fc.constantFrom(1e-4, 0.5), beta: fc.constantFrom(0.75, 1), k: small(1, 2) }),
    ({ call }, x, options) => call("localResponseNorm", x, options),
  ),
  resize: layer(pair(1, 9), (ops, x, [height, width]) => {
    const [h, w] = sizeOf(x);
    if (height > h || width > w) ops.tied = true;
    return ops.call("resize", x, { height, width });
  }),
};

const ofMatrices: Record<string, Layer> = {
  ...either,
  dense: layer(fc.record({ units: small(1, 12), bias: fc.boolean() }), ({ call }, x, { units, bias }) =>
    call("dense", x, { units }, bias ? {} : { bias: undefined }),
  ),
};

/** The ops for which `networks` can be asked. */
export const opsThatCome: readonly string[] = [...Object.keys(ofImages), "dense", "flatten"];

interface Step {
  readonly op: string;
  readonly wish: unknown;
}

export interface Network {
  readonly shape: readonly [number, number, number, number];
  readonly body: readonly Step[];
  /** Behind a flatten; the model has classes then. */
  readonly head?: readonly Step[];
}

const step = (from: Record<string, Layer>, op: string): fc.Arbitrary<Step> =>
  from[op].wish.map((wish) => ({ op, wish }));
const steps = (from: Record<string, Layer>, most: number): fc.Arbitrary<Step[]> =>
  fc.array(fc.oneof(...Object.keys(from).map((op) => step(from, op))), { maxLength: most });

/** Mostly small; pictures of one element, and of odd sizes. */
const shape = fc.tuple(small(1, 3), small(1, 6), small(1, 9), small(1, 9));
const head = fc.tuple(steps(ofMatrices, 1), step(ofMatrices, "dense")).map(([first, last]) => [...first, last]);

/** Networks of a few layers, in which `op` is sure to be where it is given. */
export function networks(op?: string): fc.Arbitrary<Network> {
  const images = steps(ofImages, op ? 1 : 4);
  if (op === "flatten" || op === "dense")
    return fc.record({ shape, body: images, head: op === "dense" ? head : steps(ofMatrices, 2) });
  const body = op
    ? fc.tuple(images, step(ofImages, op), images).map(([before, mine, after]) => [...before, mine, ...after])
    : images;
  return fc.record({ shape, body, head: fc.option(head, { nil: undefined }) });
}

/** A convolution and a dense layer, most with sums long enough for tiles. */
export const contractions: fc.Arbitrary<Network> = fc.record({
  shape: fc.tuple(small(1, 3), small(1, 7), small(3, 8), small(3, 8)),
  body: step(ofImages, "conv2d").map((s) => [s]),
  head: step(ofMatrices, "dense").map((s) => [s]),
});

const sameSize = { kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: "one", bias: true };
const halved = { op: "maxPool2d", wish: { kernel: [2, 2], stride: [2, 2], padding: [0, 0] } };

/** Convolutions that keep the pictures' size, what goes between them, and a pool: values that can be cut into pictures. */
export const batches: fc.Arbitrary<Network> = fc
  .record({
    shape: fc.tuple(fc.constantFrom(2, 4, 8), small(1, 4), fc.constantFrom(8, 16), fc.constant(8)),
    body: fc.array(
      fc.oneof(
        fc.constantFrom(4, 8).map((channels) => ({ op: "conv2d", wish: { ...sameSize, channels } })),
        fc.constantFrom(4, 8).map((channels) => ({ op: "conv2d", wish: { ...sameSize, channels, kernel: [1, 1] } })),
        step(either, "relu"),
        step(either, "add"),
        step(either, "dropout"),
        step(either, "batchNorm"),
        step(ofImages, "localResponseNorm"),
      ),
      { minLength: 2, maxLength: 6 },
    ),
    head: step(ofMatrices, "dense").map((s) => [s]),
  })
  .map(({ body, ...network }) => ({ ...network, body: [...body, halved] }));

/** Sums of thousands of terms with few results, which are cut into parts. */
export const longSums: fc.Arbitrary<Network> = fc
  .record({
    shape: fc.tuple(fc.constantFrom(6, 7, 8), small(1, 3), small(19, 23), small(19, 23)),
    channels: small(4, 9),
    kernel: pair(1, 2),
    groups: fc.constantFrom("one", "depthwise"),
  })
  .map(({ shape, ...chosen }) => {
    const others = { whole: false, stride: [1, 1], padding: [0, 0], dilation: [1, 1], bias: true };
    return { shape, body: [{ op: "conv2d", wish: { ...chosen, ...others } }] };
  });

/** The network as a model in train mode. */
export function modelOf({ shape, body, head }: Network): Graph {
  return model([...shape], (call, x, all) => {
    const ops: Ops = { call, all, tied: false };
    for (const { op, wish } of body) x = ofImages[op].apply(ops, x, wish);
    if (!head) return x;
    x = call("flatten", x);
    for (const { op, wish } of head) x = ofMatrices[op].apply(ops, x, wish);
    return x;
  });
}
