/** Chooses how each contraction is computed: as it stands, or by Winograd's algorithm where that costs less. */
import type { Target } from "../../runtime/program/schema.ts";
import type { ExprProgram } from "../ir/expr.ts";
import { asConvolution, type Convolution } from "./winograd/convolution.ts";
import { hasPoints } from "./winograd/cookToom.ts";
import { rewriteConvolution, type TileSize, type Transforms, tapsOf } from "./winograd/rewrite.ts";

export type Algorithm = "auto" | "direct" | "fast";

export function algorithm(program: ExprProgram, _target: Target, wanted: Algorithm): ExprProgram {
  if (wanted === "direct") return program;
  const names = new Set(program.definitions.flatMap((d) => d.outputs.map((v) => v.name)));
  const fresh = (hint: string): string => {
    let name = hint;
    for (let i = 2; names.has(name); i++) name = `${hint}_${i}`;
    names.add(name);
    return name;
  };
  const transforms: Transforms = new Map();
  const definitions = program.definitions.flatMap((d) => {
    const c = asConvolution(d);
    const tile = c && tileOf(c);
    return c && tile ? rewriteConvolution(d, c, tile, transforms, fresh) : [d];
  });
  return { ...program, definitions };
}

function tileOf(c: Convolution): TileSize | undefined {
  const [rh, rw] = tapsOf(c);
  if (rh < 2 || rw < 2) return undefined;
  const m = (size: number, r: number) => (hasPoints(Math.min(size, 4), r) ? Math.min(size, 4) : 2);
  return [m(c.outputSize[0], rh), m(c.outputSize[1], rw)];
}
