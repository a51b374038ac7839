/**
 * Winograd convolution as definitions: the tiles of image, filter and output go to points, the products are a batched
 * contraction, one a point, and what is wanted comes back from there. The three passes share their transforms:
 *
 *   V = B^T x B       image tiles      [a, b, n, tile rows, tile columns, phases, c]
 *   U = G f G^T       filter           [a, b, phases, c, o]
 *   D = A dy A^T      output tiles     [a, b, n, tile rows, tile columns, o]
 *
 *   y = A^T (V U) A     dx = overlap-add of B (D U^T) B^T     df = G^T (V^T D) G
 *
 * A stride s is folded into channels: the image is seen as s x s phases, each filtered with every s-th tap.
 */
import type { Definition } from "../../ir/expr.ts";
import type { Index } from "../../ir/index.ts";
import { Scalar, type Table } from "../../ir/scalar.ts";
import { elementCount, type Value } from "../../ir/types.ts";
import { Compute, Tensor } from "../../ops/define.ts";
import type { Convolution, Pair } from "./convolution.ts";
import { cookToom, type Filtering, transposed } from "./cookToom.ts";

/** Output rows and columns of a tile. */
export type TileSize = Pair;

/** Taps of one phase of a filter. */
export const tapsOf = (c: Convolution): Pair => [
  Math.ceil(c.filterSize[0] / c.stride[0]),
  Math.ceil(c.filterSize[1] / c.stride[1]),
];

/** "winograd F(4x4,5x5)" */
export const nameOf = (c: Convolution, [mh, mw]: TileSize): string => {
  const [rh, rw] = tapsOf(c);
  return `winograd F(${mh}x${mw},${rh}x${rw})`;
};

interface Plan {
  readonly c: Convolution;
  readonly k: Compute;
  /** Of the value computed. */
  readonly name: string;
  readonly rows: Filtering;
  readonly columns: Filtering;
  readonly tiles: Pair;
}

/** Transformed tensors by what they are, so that passes over the same tensors share them. */
export type Transforms = Map<string, Tensor>;

/**
 * The definitions that compute what `d` does, but for transforms made already; `fresh` names what lies between, `label`
 * is the algorithm's name.
 */
export function rewriteConvolution(
  d: Definition,
  c: Convolution,
  [mh, mw]: TileSize,
  transforms: Transforms,
  fresh: (hint: string) => string,
  label: string,
): Definition[] {
  const [rh, rw] = tapsOf(c);
  const k = new Compute(d.op, fresh, d.location);
  const tiles: Pair = [Math.ceil(c.outputSize[0] / mh), Math.ceil(c.outputSize[1] / mw)];
  const plan: Plan = { c, k, name: d.outputs[0].name, rows: cookToom(mh, rh), columns: cookToom(mw, rw), tiles };
  const once = (
    letter: string,
    value: Value | undefined,
    transform: (plan: Plan, tensor: Tensor) => Tensor,
  ): Tensor => {
    const { stride, padding, imageSize, filterSize, outputSize } = c;
    const key = [letter, value?.name, mh, mw, stride, padding, imageSize, filterSize, outputSize].join();
    const made = transforms.get(key) ?? transform(plan, new Tensor(value as Value));
    if (letter !== "V" || isCheapToKeep(made.value, value as Value)) transforms.set(key, made);
    return made;
  };
  const [v, u, dy] = [
    () => once("V", c.image, imageTiles),
    () => once("U", c.filter, filterPoints),
    () => once("D", c.output, outputTiles),
  ];
  if (c.pass === "output") outputs(plan, v(), u());
  else if (c.pass === "image") image(plan, dy(), u());
  else filter(plan, v(), dy());
  const made = k.definitions;
  const last = made.length - 1;
  return made.map((m, i) => ({ ...m, algorithm: label, outputs: i === last ? d.outputs : m.outputs }));
}

/**
 * Tiles of the image are wanted in the forward and again late in the backward pass. They take the image's place in
 * between if they are hardly larger; else they are made a second time, which takes a few hundredths of a step and saves
 * up to a third of its memory.
 */
const isCheapToKeep = (tiles: Value, image: Value): boolean =>
  elementCount(tiles.type.shape) <= 1.5 * elementCount(image.type.shape);

const size = (f: Filtering): number => f.m + f.r - 1;

/** Axes of the points, of the tiles and of the phases of a stride. */
const pointAxes = ({ rows, columns }: Plan) => ({ a: size(rows), b: size(columns) });
const tileAxes = ({ c, tiles: [t, s] }: Plan) => ({ n: c.batch, t, s });
const phaseAxes = ({ c: { stride } }: Plan) => ({ u: stride[0], v: stride[1] });

const product = (rows: [Table, Index, Index], columns: [Table, Index, Index], value: Scalar): Scalar =>
  Scalar.table(...rows)
    .times(Scalar.table(...columns))
    .times(value);

/** V[a, b, n, t, s, u, v, c] */
function imageTiles(plan: Plan, x: Tensor): Tensor {
  const { c, k, rows, columns } = plan;
  const at = (tile: Index, i: Index, m: number, phase: Index, d: 0 | 1) =>
    tile.times(m).plus(i).times(c.stride[d]).plus(phase).minus(c.padding[d]);
  return k.sum(
    { ...pointAxes(plan), ...tileAxes(plan), ...phaseAxes(plan), c: c.channels },
    { i: size(rows), j: size(columns) },
    ([a, b, n, t, s, u, v, channel], [i, j]) =>
      product(
        [rows.inputs, a, i],
        [columns.inputs, b, j],
        x.at(n, channel, at(t, i, rows.m, u, 0), at(s, j, columns.m, v, 1)),
      ),
    `${x.value.name}.V`,
  );
}

/** U[a, b, u, v, c, o] */
function filterPoints(plan: Plan, f: Tensor): Tensor {
  const { c, k, rows, columns } = plan;
  return k.sum(
    { ...pointAxes(plan), ...phaseAxes(plan), c: c.channels, o: c.outputs },
    { p: rows.r, q: columns.r },
    ([a, b, u, v, channel, o], [p, q]) =>
      product(
        [rows.taps, a, p],
        [columns.taps, b, q],
        f.at(o, channel, p.times(c.stride[0]).plus(u), q.times(c.stride[1]).plus(v)),
      ),
    `${f.value.name}.U`,
  );
}

/** D[a, b, n, t, s, o] */
function outputTiles(plan: Plan, dy: Tensor): Tensor {
  const { c, k, rows, columns } = plan;
  return k.sum(
    { ...pointAxes(plan), ...tileAxes(plan), o: c.outputs },
    { i: rows.m, j: columns.m },
    ([a, b, n, t, s, o], [i, j]) =>
      product(
        [transposed(rows.outputs), a, i],
        [transposed(columns.outputs), b, j],
        dy.at(n, o, t.times(rows.m).plus(i), s.times(columns.m).plus(j)),
      ),
    `${dy.value.name}.D`,
  );
}

/** y[n, o, h, w] */
function outputs(plan: Plan, v: Tensor, u: Tensor): void {
  const { c, k, rows, columns } = plan;
  const points = k.sum(
    { ...pointAxes(plan), ...tileAxes(plan), o: c.outputs },
    { ...phaseAxes(plan), c: c.channels },
    ([a, b, n, t, s, o], [y, x, channel]) => v.at(a, b, n, t, s, y, x, channel).times(u.at(a, b, y, x, channel, o)),
    `${plan.name}.M`,
  );
  k.sum({ n: c.batch, o: c.outputs, h: c.outputSize[0], w: c.outputSize[1] }, pointAxes(plan), ([n, o, h, w], [a, b]) =>
    product(
      [rows.outputs, h.mod(rows.m), a],
      [columns.outputs, w.mod(columns.m), b],
      points.at(a, b, n, h.div(rows.m), w.div(columns.m), o),
    ),
  );
}

/** dx[n, c, h, w]: every tile's part of the image is added where tiles overlap. */
function image(plan: Plan, d: Tensor, u: Tensor): void {
  const { c, k, rows, columns } = plan;
  const points = k.sum(
    { ...pointAxes(plan), ...tileAxes(plan), c: c.channels },
    { o: c.outputs },
    ([a, b, n, t, s, channel], [o]) => d.at(a, b, n, t, s, o).times(u.at(a, b, 0, 0, channel, o)),
    `${plan.name}.dV`,
  );
  const [h0, w0] = c.padding;
  k.sum(
    { n: c.batch, c: c.channels, h: c.imageSize[0], w: c.imageSize[1] },
    { t: overlap(rows), a: size(rows), s: overlap(columns), b: size(columns) },
    ([n, channel, h, w], [t, a, s, b]) => {
      const [y, x] = [h.plus(h0), w.plus(w0)];
      return product(
        [overlapped(rows), y.mod(rows.m), t.times(size(rows)).plus(a)],
        [overlapped(columns), x.mod(columns.m), s.times(size(columns)).plus(b)],
        points.at(a, b, n, y.div(rows.m).minus(t), x.div(columns.m).minus(s), channel),
      );
    },
  );
}

/** How many tiles next to each other hold one row of the image. */
const overlap = (f: Filtering): number => Math.ceil(size(f) / f.m);

/** [m] rows of [overlap, points]: from the points of a tile and of those before it to the tile's first m rows. */
const overlapped = (f: Filtering): Table =>
  Array.from({ length: f.m }, (_, i) =>
    Array.from({ length: overlap(f) }, (_, t) => f.inputs.map((point) => point[i + t * f.m] ?? 0)).flat(),
  );

/** df[o, c, p, q] */
function filter(plan: Plan, v: Tensor, d: Tensor): void {
  const { c, k, rows, columns } = plan;
  const points = k.sum(
    { ...pointAxes(plan), ...phaseAxes(plan), c: c.channels, o: c.outputs },
    tileAxes(plan),
    ([a, b, y, x, channel, o], [n, t, s]) => v.at(a, b, n, t, s, y, x, channel).times(d.at(a, b, n, t, s, o)),
    `${plan.name}.dU`,
  );
  const [sh, sw] = c.stride;
  k.sum(
    { o: c.outputs, c: c.channels, p: c.filterSize[0], q: c.filterSize[1] },
    pointAxes(plan),
    ([o, channel, p, q], [a, b]) =>
      product(
        [transposed(rows.taps), p.div(sh), a],
        [transposed(columns.taps), q.div(sw), b],
        points.at(a, b, p.mod(sh), q.mod(sw), channel, o),
      ),
  );
}
