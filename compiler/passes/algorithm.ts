/** Chooses how each convolution is computed: as it stands, or by Winograd's algorithm where that costs less. */
import type { Target } from "../../runtime/program/schema.ts";
import type { ExprProgram } from "../ir/expr.ts";
import { bytesPerElement } from "../ir/types.ts";
import { isSoftware } from "../target/kind.ts";
import { Names } from "./graphBuilder.ts";
import { asConvolution, type Convolution } from "./winograd/convolution.ts";
import { cookToom, hasPoints } from "./winograd/cookToom.ts";
import { estimatedError } from "./winograd/error.ts";
import { nameOf, rewriteConvolution, type TileSize, type Transforms, tapsOf } from "./winograd/rewrite.ts";

/** direct: none is rewritten. auto and fast: where the estimated relative error of the result stays in the budget. */
export type Algorithm = "auto" | "direct" | "fast";

/** Relative error (L2) allowed a convolution. Rounding of the direct sums brings about 1e-6. */
export const errorBudget = { auto: 2e-5, fast: 1e-4 } as const;

/** Chooses a tile for a convolution, undefined for none: measurements, or a test's wish. */
export type TileChoice = (c: Convolution, standard: TileSize | undefined) => TileSize | undefined;

export interface AlgorithmOptions {
  readonly algorithm: Algorithm;
  readonly chooseTile?: TileChoice;
}

export function algorithm(program: ExprProgram, target: Target, options: AlgorithmOptions): ExprProgram {
  const { algorithm: wanted, chooseTile = (_, standard) => standard } = options;
  if (wanted === "direct") return program;
  const names = new Names(program.definitions.flatMap((d) => d.outputs));
  const transforms: Transforms = new Map();
  const train = program.mode === "train";
  const definitions = program.definitions.flatMap((d) => {
    const c = asConvolution(d);
    if (!c) return [d];
    const standard = cheapestTile(c, target, errorBudget[wanted], train);
    const tile = chooseTile(c, standard);
    return tile
      ? rewriteConvolution(d, c, tile, transforms, (hint) => names.fresh(hint), label(c, tile, target, train))
      : [d];
  });
  return { ...program, definitions };
}

/** The algorithm's name, what it is estimated to err, and to cost as a part of the direct sums. */
function label(c: Convolution, tile: TileSize, target: Target, train: boolean): string {
  const { error, cost } = judge(c, tile, target, train);
  return `${nameOf(c, tile)}, error ${error.toExponential(1)}, cost ${(cost / directCost(c)).toFixed(2)}`;
}

/** Output rows and columns that a tile may have. */
const tileSizes = [2, 3, 4, 5, 6] as const;

/**
 * What it takes to load or store an element in a transform, in multiply-adds of a contraction. On software drivers a
 * load is some 15 of them; a GPU does 40 or more in the time in which memory delivers four bytes. In WebAssembly a load
 * is an instruction like another.
 */
const elementCost = (target: Target): number => (target.class === "wasm" ? 8 : isSoftware(target) ? 20 : 60);

/** A rewriting that promises less than this is not worth its kernels. */
const leastGain = 1.25;

/** Multiply-adds below which launching, and compiling, further kernels costs more than any rewriting saves. */
const leastWork = 2 ** 22;

/** What a tile is estimated to cost, in multiply-adds, its relative error, and the elements of its largest tensor. */
function judge(c: Convolution, [mh, mw]: TileSize, target: Target, train: boolean) {
  const [rh, rw] = tapsOf(c);
  const [h, w] = c.outputSize;
  const depth = c.channels * c.stride[0] * c.stride[1];
  const points = (mh + rh - 1) * (mw + rw - 1);
  const tiles = c.batch * Math.ceil(h / mh) * Math.ceil(w / mw);
  // Terms of each pass's sums; a network that is not trained has the first alone.
  const terms = train ? Math.max(depth, c.outputs, tiles) : depth;
  const transforms = points * (tiles * (depth + c.outputs) + depth * c.outputs);
  return {
    error: estimatedError(cookToom(mh, rh), cookToom(mw, rw), terms),
    elements: points * Math.max(tiles * depth, tiles * c.outputs, depth * c.outputs),
    cost: points * tiles * depth * c.outputs + elementCost(target) * transforms,
  };
}

const directCost = (c: Convolution): number =>
  c.batch * c.outputSize[0] * c.outputSize[1] * c.filterSize[0] * c.filterSize[1] * c.channels * c.outputs;

/**
 * The tile that costs least by count, of those that are exact enough; undefined where the sums as they stand cost less.
 * The passes of one convolution get the same, since it depends on its sizes alone.
 */
function cheapestTile(c: Convolution, target: Target, budget: number, train: boolean): TileSize | undefined {
  const [rh, rw] = tapsOf(c);
  const direct = directCost(c);
  if (rh < 2 || rw < 2 || direct < leastWork) return undefined;
  let best: { tile: TileSize; cost: number } | undefined;
  for (const m of tileSizes) {
    if (m > c.outputSize[0] || m > c.outputSize[1] || !hasPoints(m, rh) || !hasPoints(m, rw)) continue;
    const { error, elements, cost } = judge(c, [m, m], target, train);
    if (error > budget || elements * bytesPerElement > target.limits.maxStorageBufferBindingSize) continue;
    if (!best || cost < best.cost) best = { tile: [m, m], cost };
  }
  return best && best.cost * leastGain < direct ? best.tile : undefined;
}
