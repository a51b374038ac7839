/** How pictures enter a network. */

import { Index } from "../ir/index.ts";
import { Scalar } from "../ir/scalar.ts";
import { f32 } from "../ir/types.ts";
import { innerOp, integer, numbers, tensor } from "./define.ts";

/** A number a channel: the number itself where all are the same. */
const perChannel = (values: readonly number[], channel: Index): Scalar =>
  values.reduceRight<Scalar>(
    (rest, value, c) =>
      rest.node.kind === "constant" && rest.node.value === value
        ? rest
        : Scalar.select(Scalar.index(channel).equals(c), Scalar.constant(value), rest),
    Scalar.constant(values[values.length - 1]),
  );

/**
 * Bytes [N, pictureHeight, pictureWidth, C], four in a u32 with the first lowest, to f32 [N, C, height, width]: bilinear
 * with half-pixel centres (source = max((i + 0.5) in / out - 0.5, 0), in whole numbers, since in is known when it runs),
 * then (value - mean) / std.
 */
export const pictures = innerOp("pictures", {
  summary: "Pictures of bytes, resized bilinearly with half-pixel centres, shifted by mean and divided by std.",
  inputs: { pictures: tensor([1], "u32 [words]") },
  options: {
    batch: integer("pictures", { min: 1 }),
    channels: integer("bytes a pixel", { min: 1 }),
    height: integer("rows of the result", { min: 1 }),
    width: integer("columns of the result", { min: 1 }),
    mean: numbers("subtracted, a number a channel"),
    std: numbers("divided by, a number a channel"),
  },
  outputs: (_, o) => ({ x: f32(o.batch, o.channels, o.height, o.width) }),
  compute: ({ pictures }, o, k) => {
    const words = pictures.shape[0];
    const height = k.uniform("pictureHeight");
    const width = k.uniform("pictureWidth");
    /** The two neighbours of output position i along a side, and the second's share. */
    const source = (i: Index, size: Scalar, out: number) => {
      const numerator = Scalar.index(i.times(2).plus(1)).times(size).minus(out).max(0);
      const low = numerator.over(2 * out);
      const share = numerator
        .minus(low.times(2 * out))
        .toF32()
        .over(2 * out);
      return { low, high: low.plus(1).min(size.minus(1)), share };
    };
    const x = k.map([o.batch, o.channels, o.height, o.width], ([n, c, i, j]) => {
      const rows = source(i, height, o.height);
      const columns = source(j, width, o.width);
      const byte = (y: Scalar, x: Scalar): Scalar => {
        const pixel = Scalar.index(n).times(height).plus(y).times(width).plus(x);
        const position = pixel.times(o.channels).plus(Scalar.index(c));
        const shift = position.bitAnd(3).times(8).toU32();
        return pictures
          .at(Index.data(position.shiftRight(2), 0, words - 1))
          .shiftRight(shift)
          .bitAnd(255)
          .toF32();
      };
      // Each neighbour stands once, so that none is read twice.
      const mix = (a: Scalar, b: Scalar, share: Scalar) =>
        a.times(Scalar.constant(1).minus(share)).plus(b.times(share));
      const along = (y: Scalar) => mix(byte(y, columns.low), byte(y, columns.high), columns.share);
      return mix(along(rows.low), along(rows.high), rows.share).minus(perChannel(o.mean, c)).over(perChannel(o.std, c));
    });
    return { x };
  },
});
