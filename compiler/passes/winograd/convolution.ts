/** Recognises convolutions and their gradients by their index expressions, whatever op they come from. */
import type { Definition } from "../../ir/expr.ts";
import { type Axis, Index } from "../../ir/index.ts";
import type { ReadNode } from "../../ir/scalar.ts";
import type { Value } from "../../ir/types.ts";

/**
 * y[n, o, h, w] = sum over c, p, q of x[n, c, stride h + p - padding, stride w + q - padding] f[o, c, p, q], or one of
 * its two gradients. Pairs are [height, width].
 */
export interface Convolution {
  /** Which of the three tensors is computed from the other two. */
  readonly pass: "output" | "image" | "filter";
  /** [N, C, image height, image width]; absent where it is what is computed. */
  readonly image?: Value;
  /** [O, C, filter height, filter width] */
  readonly filter?: Value;
  /** [N, O, output height, output width] */
  readonly output?: Value;
  readonly batch: number;
  readonly channels: number;
  readonly outputs: number;
  readonly imageSize: Pair;
  readonly filterSize: Pair;
  readonly outputSize: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
}

export type Pair = readonly [number, number];

/** undefined where the definition is none, or one with groups or dilation. */
export function asConvolution(d: Definition): Convolution | undefined {
  const n = d.body.node;
  if (d.reduction?.combiner !== "sum" || d.axes.length !== 4 || n.kind !== "binary" || n.op !== "mul") return undefined;
  const [a, b] = [n.a.node, n.b.node];
  if (a.kind !== "read" || b.kind !== "read" || [a, b].some((r) => r.index.length !== 4 || r.fill !== 0))
    return undefined;
  return match(d, a, b) ?? match(d, b, a);
}

/** `windowed` is the operand read at a sum of a position and a tap. */
function match(d: Definition, windowed: ReadNode, plain: ReadNode): Convolution | undefined {
  const [o0, o1, o2, o3] = d.axes;
  const reduced = d.reduction!.axes;
  if (reduced.length !== 3 || plain.guard.length > 0) return undefined;
  const [r0, r1, r2] = reduced;
  const reads = (read: ReadNode, ...axes: Axis[]) => axes.every((x, k) => read.index[k].equals(Index.of(x)));
  const window = (position: readonly [Axis, Axis], tap: readonly [Axis, Axis], sign: 1 | -1) => {
    const [h, w] = [0, 1].map((k) => windowOf(windowed.index[k + 2], position[k], tap[k], sign));
    return h && w && { stride: [h.stride, w.stride] as Pair, padding: [h.padding, w.padding] as Pair };
  };
  const [, , height, width] = windowed.tensor.type.shape;

  // y[n, o, h, w] = sum over c, p, q
  const forward = reads(windowed, o0, r0) && reads(plain, o1, r0, r1, r2) ? window([o2, o3], [r1, r2], 1) : undefined;
  if (forward)
    return {
      pass: "output",
      image: windowed.tensor,
      filter: plain.tensor,
      batch: o0.extent,
      channels: r0.extent,
      outputs: o1.extent,
      imageSize: [height, width],
      filterSize: [r1.extent, r2.extent],
      outputSize: [o2.extent, o3.extent],
      ...forward,
    };
  // dx[n, c, h, w] = sum over o, p, q: dy is read at h + padding - p
  const backward = reads(windowed, o0, r0) && reads(plain, r0, o1, r1, r2) ? window([o2, o3], [r1, r2], -1) : undefined;
  if (backward?.stride.every((s) => s === 1))
    return {
      pass: "image",
      output: windowed.tensor,
      filter: plain.tensor,
      batch: o0.extent,
      channels: o1.extent,
      outputs: r0.extent,
      imageSize: [o2.extent, o3.extent],
      filterSize: [r1.extent, r2.extent],
      outputSize: [height, width],
      ...backward,
    };
  // df[o, c, p, q] = sum over n, h, w
  const weights = reads(windowed, r0, o1) && reads(plain, r0, o0, r1, r2) ? window([r1, r2], [o2, o3], 1) : undefined;
  if (weights)
    return {
      pass: "filter",
      image: windowed.tensor,
      output: plain.tensor,
      batch: r0.extent,
      channels: o1.extent,
      outputs: o0.extent,
      imageSize: [height, width],
      filterSize: [o2.extent, o3.extent],
      outputSize: [r1.extent, r2.extent],
      ...weights,
    };
  return undefined;
}

/** stride * position + sign * tap - sign * padding */
function windowOf(index: Index, position: Axis, tap: Axis, sign: 1 | -1) {
  const stride = index.coefficientOf(position);
  if (!index.isAffine() || stride === undefined || stride < 1 || index.coefficientOf(tap) !== sign) return undefined;
  return index.terms.length === 2 ? { stride, padding: -sign * index.constant } : undefined;
}
