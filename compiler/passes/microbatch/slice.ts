/** A group -> the same for some of the pictures: what it reads and stores are slices of values, sums go on from the slice before. */
import type { FusedProgram, Group, Layout, ReduceStep, Step, StoreStep } from "../../ir/fused.ts";
import { Axis, Index } from "../../ir/index.ts";
import { readsOf, rewriteScalar, Scalar, substituteAxes } from "../../ir/scalar.ts";
import type { TensorType, Value } from "../../ir/types.ts";
import { freshName } from "../../plan/steps.ts";
import type { BatchUse, Slicing } from "./slicing.ts";

/** Slices of groups and of their values. Slices of one region are made in order, one after another. */
export class Slicer {
  readonly layouts: Map<Value, Layout>;
  private readonly names: Set<string>;
  private readonly groupNames: Set<string>;
  /** By value, count of slices, and slice; those that are whole values' parts outlive their region. */
  private readonly slices = new Map<Value, Map<string, Value>>();

  constructor(
    program: FusedProgram,
    private readonly use: BatchUse,
  ) {
    this.layouts = new Map(program.layouts);
    this.names = new Set([...program.layouts.keys()].map((value) => value.name));
    this.groupNames = new Set(program.groups.map((group) => group.name));
  }

  /** Slice number `s` of `count`. `inside`: of the values that no one outside the region sees. */
  slice(group: Group, slicing: Slicing, s: number, count: number, inside: ReadonlySet<Value>): Group {
    const name = freshName(`${group.name}_slice${s}`, this.groupNames);
    const cut = new Cut(this, this.use, slicing, s, count, inside);
    return { ...group, name, copyOf: group.copyOf ?? group.name, ...cut.apply(group) };
  }

  /** Rows or pictures of a value: of the dimension `dimension`, those of slice s. */
  of(value: Value, dimension: number, s: number, count: number, inside: boolean): Value {
    const extent = value.type.shape[dimension] / count;
    const make = (): Value => {
      const type = { ...value.type, shape: value.type.shape.with(dimension, extent) };
      const name = freshName(`${value.name}.slice${s}`, this.names);
      return inside ? { name, type } : { name, type, part: { of: value, from: s * extent } };
    };
    return this.known(value, `${inside} ${count} ${s}`, make);
  }

  /** The sum so far, up to slice s, of what ends up in a value. */
  sumSoFar(value: Value, type: TensorType, s: number, count: number): Value {
    const make = (): Value => ({ name: freshName(`${value.name}.sum${s}`, this.names), type });
    return this.known(value, `sum ${count} ${s}`, make);
  }

  private known(value: Value, key: string, make: () => Value): Value {
    const all = this.slices.get(value) ?? new Map<string, Value>();
    this.slices.set(value, all);
    const made = all.get(key) ?? make();
    all.set(key, made);
    this.layouts.set(made, this.layouts.get(value)!);
    return made;
  }
}

class Cut {
  private readonly first: number;
  private readonly map = new Map<Axis, Index>();
  private readonly replaced = new Map<Axis, readonly Axis[]>();
  private readonly memo = new Map<Scalar, Scalar>();
  private readonly readMemo = new Map<Scalar, Scalar>();

  constructor(
    private readonly slicer: Slicer,
    private readonly use: BatchUse,
    private readonly slicing: Slicing,
    private readonly s: number,
    private readonly count: number,
    private readonly inside: ReadonlySet<Value>,
  ) {
    const pictures = use.batch / count;
    this.first = s * pictures;
    const { axis } = slicing;
    const parts = slicing.kind === "partial sums" ? slicing.parts : undefined;
    if (!parts) this.narrow(axis, pictures, this.first);
    else if (pictures >= axis.extent) this.narrow(parts, pictures / axis.extent, this.first / axis.extent);
    else {
      this.narrow(parts, 1, Math.floor(this.first / axis.extent));
      this.narrow(axis, pictures, this.first % axis.extent);
    }
  }

  private narrow(axis: Axis, extent: number, from: number): void {
    const narrower = new Axis(axis.name, extent);
    this.map.set(axis, Index.of(narrower).plus(from));
    this.replaced.set(axis, extent === 1 ? [] : [narrower]);
  }

  apply(group: Group): Pick<Group, "axes" | "steps"> {
    const steps = this.slicing.kind === "each" ? group.steps.map((step) => this.step(step)) : this.sum(group.steps);
    return { axes: this.axes(group.axes), steps };
  }

  private axes = (axes: readonly Axis[]): Axis[] => axes.flatMap((axis) => this.replaced.get(axis) ?? [axis]);

  private step(step: Step): Step {
    if (step.kind === "reduce") return { ...step, axes: this.axes(step.axes), body: this.scalar(step.body) };
    const dimension = this.use.dimensions.get(step.value)!;
    return this.store(step, dimension, this.s, this.count);
  }

  /** A store to slice number `s` of `count` along a dimension. */
  private store(step: StoreStep, dimension: number, s: number, count: number): StoreStep {
    const value = this.slicer.of(step.value, dimension, s, count, this.inside.has(step.value));
    const from = (step.value.type.shape[dimension] / count) * s;
    const index = step.index.map((i, d) => i.substitute(this.map).minus(d === dimension ? from : 0));
    return { ...step, value, index, expr: this.scalar(step.expr) };
  }

  /** A sum over some of the pictures; it goes on from the one over those before, and what follows it comes with the last. */
  private sum([first, ...stores]: readonly Step[]): Step[] {
    const { slicer, slicing, s, count } = this;
    const reduce = { ...(this.step(first) as ReduceStep) };
    const [store] = stores as StoreStep[];
    const pictures = this.use.batch / count;
    const partial = slicing.kind === "partial sums" ? slicing : undefined;
    // Slices of one sum: all, or those of one part.
    const turns = partial ? Math.max(1, partial.axis.extent / pictures) : count;
    const turn = s % turns;
    const parts = partial ? Math.min(count, partial.parts.extent) : 1;
    const final = partial
      ? [this.store(store, 0, Math.floor(s / turns), parts)]
      : (stores as StoreStep[]).map((x) => ({ ...x, expr: this.scalar(x.expr) }));
    const { index, value } = final[0];
    const [local] = reduce.results;
    const sumAt = (k: number) => slicer.sumSoFar(store.value, { ...value.type, dtype: local.dtype }, k, count);
    const start =
      turn > 0 ? new Scalar({ kind: "read", tensor: sumAt(s - 1), index, guard: [], fill: 0 }, local.dtype) : undefined;
    const sum: ReduceStep = start ? { ...reduce, start } : reduce;
    if (turn === turns - 1) return [sum, ...final];
    return [sum, { kind: "store", value: sumAt(s), axes: [], index, expr: Scalar.local(local) }];
  }

  private scalar(scalar: Scalar): Scalar {
    const { use, slicer, s, count, first, inside } = this;
    const narrowed = substituteAxes(scalar, this.map, this.memo);
    if (!readsOf(narrowed).some((read) => use.dimensions.has(read.tensor))) return narrowed;
    return rewriteScalar(
      narrowed,
      (x) => {
        const n = x.node;
        const dimension = n.kind === "read" ? use.dimensions.get(n.tensor) : undefined;
        if (n.kind !== "read" || dimension === undefined) return x;
        const tensor = slicer.of(n.tensor, dimension, s, count, inside.has(n.tensor));
        const index = n.index.map((i, d) => (d === dimension ? i.minus(first) : i));
        return new Scalar({ ...n, tensor, index }, x.dtype);
      },
      this.readMemo,
    );
  }
}
