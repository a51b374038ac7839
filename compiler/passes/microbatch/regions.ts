/**
 * Which groups run slice by slice. A region is a run of neighbouring groups; those of them that can be sliced run
 * together, for the first pictures all of them, then for the next. What only they see is never there as a whole.
 */
import { type FusedProgram, scalarsOf } from "../../ir/fused.ts";
import { bindingAlignment } from "../../ir/parts.ts";
import { readsOf } from "../../ir/scalar.ts";
import type { Value } from "../../ir/types.ts";
import { bytesOf, roundToSlice } from "../../plan/problem.ts";
import type { ScheduleOptions } from "../../schedule/index.ts";
import { bindingCount, termOrder } from "../../schedule/termOrder.ts";
import { Slicer } from "./slice.ts";
import type { BatchUse, Slicing } from "./slicing.ts";

/** Groups from <= g < to by their numbers, and into how many slices the batch is cut for them. */
export interface Region {
  readonly from: number;
  readonly to: number;
  readonly slices: number;
}

/** What runs at once: a group by itself, or those of a region that are sliced. */
export interface Item {
  readonly groups: readonly number[];
  readonly slices: number;
  /** Values that no group outside sees: there is only ever a slice of them. */
  readonly inside: ReadonlySet<Value>;
}

/** Who stores and who reads the values of a program: what regions are judged by. */
export class Groups {
  readonly reads: readonly (readonly Value[])[];
  readonly stores: readonly (readonly Value[])[];
  readonly outputs: ReadonlySet<Value>;
  /** States and what the run has buffers of its own for: not in the arena. */
  readonly apart: ReadonlySet<Value>;
  private readonly readers = new Map<Value, number[]>();
  private readonly writer = new Map<Value, number>();
  /** The state that a next version replaces. */
  private readonly replaced: ReadonlyMap<Value, Value>;
  private readonly cuts = new Map<number, boolean>();
  private readonly made = new Map<number, ReturnType<Groups["build"]>>();

  constructor(
    readonly program: FusedProgram,
    readonly use: BatchUse,
    /** What the groups will be scheduled for: slices must add as the whole does. */
    readonly options: Omit<ScheduleOptions, "program">,
  ) {
    const { groups, inputs, outputs, states, updates } = program;
    this.reads = groups.map(({ steps }) => [
      ...new Set(steps.flatMap((step) => scalarsOf(step).flatMap((s) => readsOf(s).map((read) => read.tensor)))),
    ]);
    this.stores = groups.map(({ steps }) => steps.flatMap((s) => (s.kind === "store" ? [s.value] : [])));
    this.reads.forEach((values, g) => {
      for (const v of values) this.readers.set(v, [...(this.readers.get(v) ?? []), g]);
    });
    this.stores.forEach((values, g) => {
      for (const v of values) this.writer.set(v, g);
    });
    this.replaced = new Map(updates.map(({ state, next }) => [next, state]));
    this.outputs = new Set(outputs.map((o) => o.value));
    const external = inputs.filter((i) => i.kind === "labels" || i.kind === "pictures").map((i) => i.value);
    this.apart = new Set([...states.map((s) => s.value), ...updates.map((u) => u.next), ...external]);
  }

  readersOf(value: Value): readonly number[] {
    return this.readers.get(value) ?? [];
  }

  /** The group that stores a value; undefined of an input or a state. */
  writerOf(value: Value): number | undefined {
    return this.writer.get(value);
  }

  /** Whether a state has its next version before group `at` runs. */
  isReplacedBefore(value: Value, at: number): boolean {
    return this.program.updates.some((u) => u.state === value && (this.writer.get(u.next) ?? at) < at);
  }

  /** Bytes that each group reads and stores, as it stands. */
  get needs(): number[] {
    const bytes = (values: readonly Value[]) =>
      values.reduce((sum, v) => sum + (this.apart.has(v) ? 0 : roundToSlice(bytesOf(v))), 0);
    return this.reads.map((values, g) => bytes([...new Set([...values, ...this.stores[g]])]));
  }

  /** The program's groups with regions in place of theirs; undefined where a region cannot be. */
  items(regions: readonly Region[]): Item[] | undefined {
    const items: Item[] = [];
    const alone = (g: number): Item => ({ groups: [g], slices: 1, inside: new Set() });
    let g = 0;
    for (const region of [...regions, undefined]) {
      for (; g < (region?.from ?? this.stores.length); g++) items.push(alone(g));
      if (!region) break;
      const made = this.item(region);
      if (!made) return undefined;
      items.push(...made.before.map(alone), made.item, ...made.after.map(alone));
      g = region.to;
    }
    return items;
  }

  private item(region: Region): ReturnType<Groups["build"]> {
    const count = this.stores.length + 1;
    const key = (region.from * count + region.to) * (this.use.batch + 1) + region.slices;
    if (!this.made.has(key)) this.made.set(key, this.build(region));
    return this.made.get(key);
  }

  private build({ from, to, slices }: Region) {
    const sliced = new Set<number>();
    for (let g = from; g < to; g++) if (this.canBeCut(g, slices)) sliced.add(g);
    if (sliced.size === 0) return undefined;
    // What needs all slices, or replaces a state that they read, comes after them; what they need before.
    const before: number[] = [];
    const after = new Set<number>();
    const seen = new Set<Value>();
    for (let g = from; g < to; g++) {
      const made = (by: ReadonlySet<number>) => this.reads[g].some((v) => by.has(this.writer.get(v) ?? -1));
      if (sliced.has(g)) {
        if (made(after)) return undefined;
        for (const v of [...this.reads[g], ...this.stores[g]]) seen.add(v);
        continue;
      }
      const replaces = this.stores[g].some((v) => seen.has(this.replaced.get(v)!));
      if (made(after) || made(sliced) || replaces) {
        after.add(g);
        for (const v of this.reads[g]) seen.add(v);
      } else before.push(g);
    }
    const replacedBySlices = [...sliced].flatMap((g) => this.stores[g].flatMap((v) => this.replaced.get(v) ?? []));
    if ([...after].some((g) => this.reads[g].some((v) => replacedBySlices.includes(v)))) return undefined;
    const inside = new Set<Value>();
    for (const g of sliced) {
      for (const v of this.reads[g]) {
        // A sum is whole only when the last slice has come.
        const writer = this.writer.get(v) ?? -1;
        if (sliced.has(writer) && this.use.slicings[writer]!.kind !== "each") return undefined;
        if (this.use.dimensions.has(v) && !sliced.has(writer) && !this.canBePart(v, slices)) return undefined;
      }
      const { kind, ...axes } = this.use.slicings[g]!;
      for (const v of this.stores[g]) {
        if (kind === "partial sums" && "parts" in axes) {
          if (!this.canBePart(v, Math.min(slices, axes.parts.extent))) return undefined;
        } else if (kind === "each") {
          if (this.apart.has(v)) return undefined;
          if (!this.outputs.has(v) && (this.readers.get(v) ?? []).every((r) => sliced.has(r))) inside.add(v);
          else if (!this.canBePart(v, slices)) return undefined;
        }
      }
    }
    return { before, after: [...after], item: { groups: [...sliced], slices, inside } satisfies Item };
  }

  private canBeCut(g: number, slices: number): boolean {
    const slicing = this.use.slicings[g];
    if (!slicing || this.use.batch % slices !== 0) return false;
    if (slicing.kind === "partial sums") {
      const parts = slicing.parts.extent;
      if (parts % slices !== 0 && slices % parts !== 0) return false;
    }
    const key = g * (this.use.batch + 1) + slices;
    if (!this.cuts.has(key)) this.cuts.set(key, this.keepsItsBits(g, slicing, slices));
    return this.cuts.get(key)!;
  }

  /**
   * Whether a slice's kernel adds its terms as the whole's does: as one kind of kernel, in one order of axes, and where it
   * sums over pictures with these in the outermost loop. What a sum starts from takes a binding of its own.
   */
  private keepsItsBits(g: number, slicing: Slicing, slices: number): boolean {
    const { program, options } = this;
    const group = program.groups[g];
    const sums = slicing.kind !== "each";
    if (sums && bindingCount(group, program) >= options.target.limits.maxStorageBuffersPerShaderStage) return false;
    const slicer = new Slicer(program, this.use);
    const slice = slicer.slice(group, slicing, 0, slices, new Set());
    const whole = termOrder(group, { ...options, program });
    const part = termOrder(slice, { ...options, program: { ...program, layouts: slicer.layouts } });
    const { name } = slicing.axis;
    if (whole.kind !== part.kind || (sums && !whole.axes.startsWith(name))) return false;
    return part.axes === whole.axes || (sums && part.axes === whole.axes.slice(name.length));
  }

  /** Whether so many equal parts of a value, along its first dimension, can each be bound. */
  private canBePart(value: Value, parts: number): boolean {
    const rows = (this.use.dimensions.get(value) ?? 0) === 0 && this.program.layouts.get(value)?.[0] === 0;
    return rows && !this.apart.has(value) && (bytesOf(value) / parts) % bindingAlignment === 0;
  }

  /** What is alive at a moment and was stored in slices, with the group that runs then. */
  keptSlices(items: readonly Item[], moment: number): { readonly group: number; readonly values: readonly Value[] } {
    const order = items.flatMap((item) => item.groups);
    const position = new Map(order.map((g, t) => [g, t]));
    const group = order[moment];
    const values = items.flatMap((item) => {
      if (item.slices === 1 || item.groups.includes(group)) return [];
      return item.groups.flatMap((g) =>
        position.get(g)! >= moment || this.use.slicings[g]!.kind !== "each"
          ? []
          : this.stores[g].filter((v) => this.readersOf(v).some((r) => position.get(r)! > moment)),
      );
    });
    return { group, values: values.filter((v) => !this.reads[group].includes(v) && !this.outputs.has(v)) };
  }
}
