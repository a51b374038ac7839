/** Everything Kiln knows about resizing images. */

import { Index } from "../ir/index.ts";
import { Scalar, when } from "../ir/scalar.ts";
import { f32 } from "../ir/types.ts";
import { image, innerOp, integer, op } from "./define.ts";

const options = {
  height: integer("rows of the result", { min: 1 }),
  width: integer("columns of the result", { min: 1 }),
};

/**
 * Where output position i of `out` lies among `size` input positions: source = max((i + 0.5) size / out - 0.5, 0), in
 * whole numbers over 2 out. The two neighbours, and the second's share.
 */
const source = (i: Index, size: number, out: number) => {
  const numerator = i
    .times(2 * size)
    .plus(size - out)
    .clamp(0, 2 * out * size);
  const low = numerator.div(2 * out);
  const share = Scalar.index(numerator.mod(2 * out))
    .toF32()
    .over(2 * out);
  return { low, high: low.plus(1).clamp(0, size - 1), share };
};

export const resize = op("resize", {
  summary: "An image of another size: bilinear, half-pixel centres, no antialiasing.",
  inputs: { x: image() },
  options,
  outputs: ({ x }, o) => ({ y: f32(x.shape[0], x.shape[1], o.height, o.width) }),
  compute: ({ x }, o, k) => {
    const [n, c, h, w] = x.shape;
    const y = k.map([n, c, o.height, o.width], ([n, c, i, j]) => {
      const rows = source(i, h, o.height);
      const columns = source(j, w, o.width);
      // Each neighbour stands once, so that none is read twice.
      const mix = (a: Scalar, b: Scalar, share: Scalar) =>
        a.times(Scalar.constant(1).minus(share)).plus(b.times(share));
      const along = (row: Index) => mix(x.at(n, c, row, columns.low), x.at(n, c, row, columns.high), columns.share);
      return mix(along(rows.low), along(rows.high), rows.share);
    });
    return { y };
  },
  identity: ({ x }, o) => (x.shape[2] === o.height && x.shape[3] === o.width ? "x" : undefined),
  gradient: ({ inputs, cotangent, emit }) => ({
    x: () => emit("resizeGradient", { x: inputs.x, dy: cotangent }).dx,
  }),
  good: [
    "resize(x: [2,3,5,4], { height: 11, width: 8 }) -> [2,3,11,8]",
    "resize(x: [2,3,13,12], { height: 5, width: 4 }) -> [2,3,5,4]",
  ],
  bad: ["resize(x: [2,3], { height: 11, width: 8 }) -> KILN2008"],
});

/**
 * The share of input position h in output position i: 1 - share where it is the first neighbour, share where the second.
 */
const weight = (i: Index, h: Index, size: number, out: number): Scalar => {
  const { low, high, share } = source(i, size, out);
  const is = (neighbour: Index) => Scalar.index(neighbour.minus(h)).equals(0);
  return when(is(low), Scalar.constant(1).minus(share)).plus(when(is(high), share));
};

/** Outputs that may read input position h: source lies within 1 of h, so i within `count` from the first. */
const readers = (h: Index, size: number, out: number) => ({
  // floor((h - 0.5) out / size - 0.5)
  first: h
    .times(2 * out)
    .minus(out + size)
    .div(2 * size),
  count: Math.ceil((2 * out) / size) + 2,
});

/** Two passes, rows then columns, since the weights are products. `x` gives the shape alone and is not read. */
export const resizeGradient = innerOp("resizeGradient", {
  summary: "The gradient of resize: each input position sums its shares of the outputs that read it.",
  inputs: { x: image(), dy: image() },
  outputs: ({ x }) => ({ dx: x }),
  compute: ({ x, dy }, _, k) => {
    const [n, c, h, w] = x.shape;
    const [, , outH, outW] = dy.shape;
    const { count: rowCount } = readers(Index.of(0), h, outH);
    const { count: columnCount } = readers(Index.of(0), w, outW);
    const rows = k.sum({ n, c, h, j: outW }, { p: rowCount }, ([n, c, h0, j], [p]) => {
      const i = readers(h0, h, outH).first.plus(p);
      return dy.at(n, c, i, j).times(weight(i, h0, h, outH));
    });
    const dx = k.sum({ n, c, h, w }, { q: columnCount }, ([n, c, h0, w0], [q]) => {
      const j = readers(w0, w, outW).first.plus(q);
      return rows.at(n, c, h0, j).times(weight(j, w0, w, outW));
    });
    return { dx };
  },
});
