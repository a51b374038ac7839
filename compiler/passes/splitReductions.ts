/**
 * Cuts long sums with few results into partial sums, added by a second definition in fixed order: for parallelism, for
 * blocked (so more accurate) summation, and so that results do not depend on the order of atomics.
 */

import type { Target } from "../../runtime/program/schema.ts";
import type { Definition, ExprProgram } from "../ir/expr.ts";
import { Axis, extentOf, Index } from "../ir/index.ts";
import { hasTables, readsOf, Scalar, substituteAxes } from "../ir/scalar.ts";
import { bytesPerElement, elementCount, tensorType, type Value } from "../ir/types.ts";
import { isSoftware } from "../target/kind.ts";

/** Invocations that a sum which is no contraction should keep busy; on a software adapter it also blocks the sum. */
const sumParallelism = 4096;
/** A partial sum shorter than this is not worth its store. */
const leastTerms = 16;

/** Tiles of a contraction that keep the adapter busy, of about so many outputs each. */
const contractionTiles = (target: Target) =>
  isSoftware(target) ? { tiles: 16, outputs: 32 * 32 } : { tiles: 128, outputs: 64 * 64 };
const leastContractionTerms = 1024;
/** What the tiles of a slice read over and over should stay in a CPU's cache: a good part of its last level. */
const cachedBytes = 5 * 2 ** 20;

export function splitReductions(program: ExprProgram, target: Target): ExprProgram {
  const names = new Set(program.definitions.flatMap((d) => d.outputs.map((v) => v.name)));
  const definitions = program.definitions.flatMap((d) => {
    const sum = d.reduction?.combiner === "sum" && !hasTables(d.body);
    const parts = sum ? (isProduct(d) ? contractionParts(d, target) : sumParts(d)) : [];
    if (parts.every((p) => p === 1)) return [d];
    let name = `${d.outputs[0].name}.partial`;
    while (names.has(name)) name += "_";
    names.add(name);
    return split(d, parts, name);
  });
  return { ...program, definitions };
}

const isProduct = (d: Definition): boolean => {
  const n = d.body.node;
  return n.kind === "binary" && n.op === "mul" && n.a.node.kind === "read" && n.b.node.kind === "read";
};

/** For each reduction axis, into how many parts it is cut. */
function sumParts(d: Definition): number[] {
  const axes = d.reduction!.axes;
  const outputs = extentOf(d.axes);
  const terms = extentOf(axes);
  const none = axes.map(() => 1);
  if (terms < 2 * leastTerms || outputs >= sumParallelism) return none;
  // Whole leading axes become partial results: which number of them makes both sums shortest?
  const turns = (results: number, length: number) => length * Math.ceil(results / sumParallelism);
  let best = { parts: none, cost: turns(outputs, terms) };
  let slices = 1;
  for (const [i, axis] of axes.entries()) {
    slices *= axis.extent;
    if (terms / slices < leastTerms) break;
    const cost = turns(outputs * slices, terms / slices) + turns(outputs, slices);
    if (cost < best.cost) best = { parts: axes.map((a, k) => (k <= i ? a.extent : 1)), cost };
  }
  return best.parts;
}

function contractionParts(d: Definition, target: Target): number[] {
  const axes = d.reduction!.axes;
  const { tiles, outputs } = contractionTiles(target);
  const results = extentOf(d.axes);
  const most = Math.floor(extentOf(axes) / leastContractionTerms);
  const busy = Math.ceil(tiles / Math.max(1, results / outputs));
  const wanted = Math.min(most, Math.max(busy, cacheParts(d, target)));
  const none = axes.map(() => 1);
  if (wanted < 2) return none;
  const [first] = axes;
  const { maxBufferSize, maxStorageBufferBindingSize } = target.limits;
  const room = Math.min(maxBufferSize, maxStorageBufferBindingSize) / (results * bytesPerElement);
  const possible = divisors(first.extent).filter((f) => f <= room);
  const parts = possible.find((f) => f >= wanted) ?? possible.at(-1) ?? 1;
  return [parts, ...none.slice(1)];
}

/**
 * On a software adapter: into how many slices the operands of a weight gradient are cut so that one slice stays in the
 * cache while the tiles pass over it. 1 where they are not read over and over, or where the partial sums would cost more.
 */
function cacheParts(d: Definition, target: Target): number {
  if (!isSoftware(target)) return 1;
  const results = extentOf(d.axes);
  const products = results * extentOf(d.reduction!.axes);
  const tileSide = 32;
  const bytes = readsOf(d.body)
    .map((r) => elementCount(r.tensor.type.shape))
    .filter((elements) => products / tileSide >= 4 * elements)
    .reduce((sum, elements) => sum + elements * bytesPerElement, 0);
  const parts = Math.ceil(bytes / cachedBytes);
  // Few slices gain less than their partial sums cost.
  if (parts < 4) return 1;
  return parts * results * bytesPerElement <= bytes / 2 ? parts : 1;
}

const divisors = (n: number): number[] => [...Array(n).keys()].map((i) => i + 1).filter((f) => n % f === 0);

function split(d: Definition, parts: readonly number[], name: string): Definition[] {
  const reduction = d.reduction!;
  const slices: Axis[] = [];
  const rest: Axis[] = [];
  const map = new Map<Axis, Index>();
  reduction.axes.forEach((axis, i) => {
    const count = parts[i];
    if (count === 1) {
      rest.push(axis);
      return;
    }
    const slice = new Axis(`${axis.name}s`, count);
    slices.push(slice);
    const inside = new Axis(axis.name, axis.extent / count);
    if (inside.extent > 1) rest.push(inside);
    map.set(axis, Index.of(slice).times(inside.extent).plus(inside));
  });
  const axes = [...slices, ...d.axes.map((a) => new Axis(a.name, a.extent))];
  d.axes.forEach((a, i) => map.set(a, Index.of(axes[slices.length + i])));
  const type = tensorType(
    d.outputs[0].type.dtype,
    [...slices, ...d.axes].map((a) => a.extent),
  );
  const partial: Value = { name, type };
  const over = slices.map((s) => new Axis(s.name, s.extent));
  const index = [...over, ...d.axes].map((a) => Index.of(a));
  const algorithm = d.algorithm === undefined ? "split" : `${d.algorithm}, split`;
  return [
    {
      ...d,
      algorithm,
      outputs: [partial],
      axes,
      reduction: { combiner: "sum", axes: rest },
      body: substituteAxes(d.body, map),
    },
    {
      ...d,
      algorithm,
      reduction: { combiner: "sum", axes: over },
      body: new Scalar({ kind: "read", tensor: partial, index, guard: [], fill: 0 }, type.dtype),
    },
  ];
}
