/**
 * Cuts definitions that read more tensors than a kernel may bind on the target: parts of their expressions become
 * values of their own, over the axes that they depend on.
 */
import type { Target } from "../../runtime/program/schema.ts";
import type { Definition, ExprProgram } from "../ir/expr.ts";
import { Axis, Index } from "../ir/index.ts";
import { indicesOf, readsOf, rewriteScalar, Scalar, substituteAxes, visitScalar } from "../ir/scalar.ts";
import { type DType, tensorType, type Value } from "../ir/types.ts";
import { Names } from "./graphBuilder.ts";

export function fitBindings(program: ExprProgram, target: Target): ExprProgram {
  const most = target.limits.maxStorageBuffersPerShaderStage;
  const names = new Names(program.definitions.flatMap((d) => d.outputs));
  const replaced = new Map(program.updates.map((u) => [u.next, u.state]));
  const storage = (v: Value): Value => replaced.get(v) ?? v;
  const cutUp = (d: Definition): Definition[] => {
    const parts: Definition[] = [];
    let rest = d;
    while (bindings(rest, storage) > most) {
      // A part that is too large itself, but smaller than the whole, is cut in turn.
      const cut = bestCut(rest, most, storage) ?? bestCut(rest, tensorsOf(rest.body, storage).size, storage);
      if (!cut)
        throw new Error(`%${d.outputs[0].name} needs ${bindings(rest, storage)} buffers, ${target.name} binds ${most}`);
      const [part, remaining] = extract(rest, cut, names.fresh(`${d.outputs[0].name}.part`));
      parts.push(...cutUp(part));
      rest = remaining;
    }
    return [...parts, rest];
  };
  return { ...program, definitions: program.definitions.flatMap(cutUp) };
}

const tensorsOf = (s: Scalar, storage: (v: Value) => Value): Set<Value> =>
  new Set(readsOf(s).map((r) => storage(r.tensor)));

const bindings = (d: Definition, storage: (v: Value) => Value): number =>
  new Set([...tensorsOf(d.body, storage), ...d.outputs.map(storage)]).size;

/** Axes that an expression depends on, among those of the definition. */
function axesOf(s: Scalar, d: Definition): Axis[] {
  const used = new Set<Axis>();
  visitScalar(s, ({ node: n }) => {
    for (const i of indicesOf(n)) i.axes(used);
  });
  return [...d.axes, ...(d.reduction?.axes ?? [])].filter((a) => used.has(a));
}

/** Of the parts that fit into `most` bindings, the one whose removal saves most of them, then the one with the fewest elements. */
function bestCut(d: Definition, most: number, storage: (v: Value) => Value): Scalar | undefined {
  let best: { node: Scalar; saved: number; size: number } | undefined;
  visitScalar(d.body, (node) => {
    if (node === d.body) return;
    const inside = tensorsOf(node, storage);
    if (inside.size < 2 || inside.size > most - 1) return;
    const outside = tensorsOf(replaceNode(d.body, node, Scalar.constant(0, node.dtype)), storage);
    const saved = [...inside].filter((v) => !outside.has(v)).length - 1;
    const size = axesOf(node, d).reduce((n, a) => n * a.extent, 1);
    if (saved < 1) return;
    if (!best || saved > best.saved || (saved === best.saved && size < best.size)) best = { node, saved, size };
  });
  return best?.node;
}

const replaceNode = (body: Scalar, node: Scalar, by: Scalar): Scalar =>
  rewriteScalar(body, (s) => (s === node ? by : s), new Map([[node, by]]));

/** `node` as a value of its own, and the definition that reads it; a comparison is kept as 1 or 0. */
function extract(d: Definition, node: Scalar, name: string): [part: Definition, rest: Definition] {
  const isBool = node.dtype === "bool";
  const stored = isBool ? Scalar.select(node, 1, 0) : node;
  const from = axesOf(node, d);
  const axes = from.map((a) => new Axis(a.name, a.extent));
  const map = new Map(from.map((a, i) => [a, Index.of(axes[i])]));
  const value: Value = {
    name,
    type: tensorType(
      stored.dtype as DType,
      axes.map((a) => a.extent),
    ),
  };
  const read = new Scalar(
    { kind: "read", tensor: value, index: from.map((a) => Index.of(a)), guard: [], fill: 0 },
    stored.dtype,
  );
  const again = isBool ? Scalar.constant(0).lessThan(read) : read;
  return [
    {
      outputs: [value],
      axes,
      body: substituteAxes(stored, map),
      location: d.location,
      op: d.op,
      algorithm: d.algorithm,
    },
    { ...d, body: replaceNode(d.body, node, again) },
  ];
}
