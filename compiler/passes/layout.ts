/**
 * Chooses the physical order of every value: images with their channels innermost (NHWC), weights with the outputs of
 * their layer innermost, so that lanes along channels read and write side by side and no transpose is needed on the way.
 */
import type { Definition, ExprProgram, LaidOutProgram } from "../ir/expr.ts";
import type { Layout } from "../ir/fused.ts";
import { type ReadNode, readsOf } from "../ir/scalar.ts";
import type { Value } from "../ir/types.ts";

const imageLayout: Layout = [0, 2, 3, 1];
/** [out, in, kh, kw] as [kh, kw, in, out]. */
const kernelLayout: Layout = [2, 3, 1, 0];
/** [units, in] as [in, units]. */
const matrixLayout: Layout = [1, 0];

export function layout(program: ExprProgram): LaidOutProgram {
  const classes = new Classes();
  for (const u of program.updates) classes.join(u.state, u.next);
  for (const d of program.definitions)
    for (const read of readsOf(d.body))
      if (!d.reduction && sameElement(read, d)) for (const out of d.outputs) classes.join(read.tensor, out);

  const byClass = new Map<Value, Layout>();
  const weights = [
    ...program.states.map((s) => s.value),
    ...program.inputs.filter((i) => i.kind === "gradient").map((i) => i.value),
  ];
  for (const value of weights) {
    const { length } = value.type.shape;
    if (length === 4) byClass.set(classes.find(value), kernelLayout);
    if (length === 2) byClass.set(classes.find(value), matrixLayout);
  }
  const of = (value: Value): Layout | undefined => byClass.get(classes.find(value));

  // Partial results are laid out as what they are summed to, behind the axes of the split.
  for (const d of program.definitions.toReversed()) {
    const partial = partialOf(d);
    const order = of(d.outputs[0]);
    if (!partial || !order || of(partial)) continue;
    const split = partial.type.shape.length - order.length;
    byClass.set(classes.find(partial), [...Array(split).keys(), ...order.map((o) => o + split)]);
  }

  const layouts = new Map<Value, Layout>();
  const values = [
    ...program.inputs.map((i) => i.value),
    ...program.states.map((s) => s.value),
    ...program.definitions.flatMap((d) => d.outputs),
  ];
  for (const value of values) {
    const { length } = value.type.shape;
    layouts.set(value, of(value) ?? (length === 4 ? imageLayout : [...Array(length).keys()]));
  }
  return { ...program, layouts };
}

const sameElement = (read: ReadNode, d: Definition): boolean =>
  read.index.length === d.axes.length && read.index.every((i, k) => i.asAxis() === d.axes[k] || isUnit(read, k));

const isUnit = (read: ReadNode, k: number): boolean => read.tensor.type.shape[k] === 1 && read.index[k].isConstant();

/** The value of which `d` sums the leading axes, if that is all it does. */
function partialOf(d: Definition): Value | undefined {
  const n = d.body.node;
  if (d.reduction?.combiner !== "sum" || n.kind !== "read" || n.guard.length > 0) return undefined;
  const axes = [...d.reduction.axes, ...d.axes];
  const inOrder = n.index.length === axes.length && n.index.every((i, k) => i.asAxis() === axes[k] || isUnit(n, k));
  return inOrder ? n.tensor : undefined;
}

/** Union-find over values. */
class Classes {
  private readonly parent = new Map<Value, Value>();

  find(value: Value): Value {
    let root = value;
    for (let next = this.parent.get(root); next; next = this.parent.get(root)) root = next;
    if (root !== value) this.parent.set(value, root);
    return root;
  }

  join(a: Value, b: Value): void {
    const [ra, rb] = [this.find(a), this.find(b)];
    if (ra !== rb) this.parent.set(rb, ra);
  }
}
