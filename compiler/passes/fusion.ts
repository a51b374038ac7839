/**
 * Groups definitions into kernels. Copies under another index are inlined where they are read; a definition joins the
 * group that computes what it reads, where each invocation has just the element it needs (bias, relu, a gradient's
 * mask, the optimizer's update; softmax over a row); a map with one reader is inlined there where that repeats no work.
 */

import type { Target } from "../../runtime/program/schema.ts";
import type { Definition, LaidOutProgram } from "../ir/expr.ts";
import type { FusedProgram, Group, StoreStep } from "../ir/fused.ts";
import { Axis } from "../ir/index.ts";
import { readsOf } from "../ir/scalar.ts";
import type { Value } from "../ir/types.ts";
import { elementCount } from "../ir/types.ts";
import { distinctAxes } from "./fusion/axisNames.ts";
import { Dependencies } from "./fusion/dependencies.ts";
import { type Inlinable, inlineReads, isIndexMap } from "./fusion/inline.ts";
import { domain, type Item, isContraction, itemOf, itemReads, stepReads, storesOf } from "./fusion/item.ts";
import { bindingsOf, mergeInto } from "./fusion/merge.ts";

export function fusion(program: LaidOutProgram, target: Target): FusedProgram {
  const f = new Fusion(program, target);
  f.mergeDefinitions();
  f.inlineMaps();
  const { name, mode, image, classes, inputs, states, layouts, outputs, updates } = program;
  return {
    stage: "fused",
    name,
    mode,
    image,
    classes,
    inputs,
    states,
    groups: f.groups(),
    layouts,
    outputs,
    updates,
  };
}

class Fusion {
  private readonly dependencies: Dependencies;
  private items = new Set<Item>();
  private readonly definitions: readonly Definition[];
  private readonly consumers = new Map<Value, Set<Definition>>();
  /** Values that must be in memory whoever reads them. */
  private readonly required: ReadonlySet<Value>;
  private readonly mostBindings: number;

  constructor(program: LaidOutProgram, target: Target) {
    this.dependencies = new Dependencies(program.updates);
    this.required = new Set([...program.outputs.map((o) => o.value), ...program.updates.map((u) => u.next)]);
    this.mostBindings = target.limits.maxStorageBuffersPerShaderStage;
    this.definitions = this.inlineIndexMaps(program.definitions);
    for (const d of this.definitions)
      for (const r of readsOf(d.body)) {
        const set = this.consumers.get(r.tensor) ?? new Set();
        this.consumers.set(r.tensor, set.add(d));
      }
  }

  private inlineIndexMaps(definitions: readonly Definition[]): Definition[] {
    const inlined = new Map<Value, Inlinable>();
    return definitions.flatMap((d) => {
      const body = inlineReads(d.body, inlined);
      const [value] = d.outputs;
      if (!d.reduction && isIndexMap(body) && !this.required.has(value)) {
        inlined.set(value, { axes: d.axes, body });
        return [];
      }
      return [{ ...d, body }];
    });
  }

  mergeDefinitions(): void {
    for (const [order, d] of this.definitions.entries()) {
      if (!this.merge(d)) this.add(itemOf(d, order));
    }
  }

  private add(item: Item): void {
    this.items.add(item);
    this.dependencies.add(item);
  }

  private replace(old: Item, by: Item): void {
    this.items.delete(old);
    this.dependencies.remove(old);
    this.add(by);
  }

  private merge(d: Definition): boolean {
    // Contractions keep a kernel of their own; what they read must lie in memory.
    const alone = d.reduction && isContraction(itemOf(d, 0));
    if (alone) return false;
    const producers = new Set(readsOf(d.body).map((r) => this.dependencies.producer(r.tensor)));
    const candidates = [...producers].filter((i): i is Item => i !== undefined).sort((a, b) => b.order - a.order);
    for (const item of candidates) {
      const grown = mergeInto(item, d);
      if (!grown || !this.fits(grown, d) || !this.isAcyclic(item, d) || !this.updatesInPlace(grown)) continue;
      this.replace(item, grown);
      return true;
    }
    return false;
  }

  private fits(grown: Item, d: Definition): boolean {
    const mine = (c: Definition) => c === d || storesOf(grown).some((s) => c.outputs.includes(s.value));
    const stored = (v: Value) => this.required.has(v) || [...(this.consumers.get(v) ?? [])].some((c) => !mine(c));
    return bindingsOf(grown, stored, this.dependencies.storage).size <= this.mostBindings;
  }

  /** Whether d can run where item runs: nothing else that d waits for may wait for item. */
  private isAcyclic(item: Item, d: Definition): boolean {
    // As an item it would also wait for the other readers of a state that it overwrites.
    const others = new Set(this.dependencies.before(itemOf(d, 0)));
    others.delete(item);
    // What item itself waits for cannot wait for item.
    for (const earlier of this.dependencies.before(item)) others.delete(earlier);
    return others.size === 0 || !this.dependencies.dependsOn(others, item);
  }

  /** A state that is overwritten may be read only where, and when, its element is replaced. */
  private updatesInPlace(item: Item): boolean {
    return storesOf(item).every((store) => {
      const state = this.dependencies.storage(store.value);
      if (state === store.value) return true;
      return item.steps.every((step) =>
        stepReads(step).every((r) => {
          if (r.tensor !== state) return true;
          const final = step.kind === "store" && step.axes.length === 0 && r.guard.length === 0;
          return final && r.index.every((i, k) => i.equals(store.index[k]));
        }),
      );
    });
  }

  /** Maps that one group alone reads, each element about once, become part of that group. */
  inlineMaps(): void {
    for (const item of [...this.items].sort((a, b) => b.order - a.order)) {
      const stores = storesOf(item);
      if (stores.length !== 1 || item.steps.length !== 1 || stores[0].axes.length > 0) continue;
      const [{ value, index, expr }] = stores;
      if (this.required.has(value) || !index.every((i) => i.asAxis() || i.isConstant())) continue;
      const readers = [...this.dependencies.readersOf(value)];
      if (readers.length !== 1) continue;
      const [reader] = readers;
      if (!this.readsAboutOnce(reader, value) || this.overtakesUpdate(item, reader)) continue;
      // The value's dimensions as axes, in the order of its index.
      const axes = index.map((i) => i.asAxis() ?? new Axis("unit", 1));
      if (axes.length !== value.type.shape.length) continue;
      const map = new Map([[value, { axes, body: expr }]]);
      const steps = reader.steps.map((s) =>
        s.kind === "reduce" ? { ...s, body: inlineReads(s.body, map) } : { ...s, expr: inlineReads(s.expr, map) },
      );
      const grown: Item = {
        ...reader,
        steps,
        ops: [...item.ops, ...reader.ops],
        algorithm: reader.algorithm ?? item.algorithm,
        locations: [...item.locations, ...reader.locations],
      };
      if (bindingsOf(grown, (v) => this.isStored(v), this.dependencies.storage).size > this.mostBindings) continue;
      this.items.delete(item);
      this.dependencies.remove(item);
      this.replace(reader, grown);
    }
  }

  private readsAboutOnce(reader: Item, value: Value): boolean {
    let reads = 0;
    for (const step of reader.steps) {
      const count = stepReads(step).filter((r) => r.tensor === value).length;
      if (count === 0) continue;
      if (step.kind === "reduce" && isContraction(reader)) return false;
      reads += count * domain(reader.axes) * domain(step.axes);
    }
    return reads <= 1.25 * elementCount(value.type.shape);
  }

  /** Whether a state that `item` reads is overwritten before `reader` runs. */
  private overtakesUpdate(item: Item, reader: Item): boolean {
    return itemReads(item).some((r) => {
      const writer = this.dependencies.writerOf(r.tensor);
      return writer !== undefined && (writer === reader || this.dependencies.dependsOn(new Set([reader]), writer));
    });
  }

  private isStored(value: Value): boolean {
    return this.required.has(value) || this.dependencies.readersOf(value).size > 0;
  }

  groups(): Group[] {
    const names = new Set<string>();
    return this.dependencies.sorted([...this.items]).map((item) => {
      const kept = item.steps.filter((s) => s.kind === "reduce" || this.isReadOutside(s, item));
      const last = kept.findLast((s): s is StoreStep => s.kind === "store")!;
      let name = `${item.ops[0]}_${last.value.name}`.replace(/[^A-Za-z0-9]+/g, "_");
      while (names.has(name)) name += "_";
      names.add(name);
      const locations = item.locations.filter(
        (l, i) => item.locations.findIndex((m) => m.line === l.line && m.file === l.file) === i,
      );
      const { axes, ops, algorithm } = item;
      return distinctAxes({ name, axes, steps: kept, locations, ops, algorithm });
    });
  }

  private isReadOutside(s: StoreStep, item: Item): boolean {
    return this.required.has(s.value) || [...this.dependencies.readersOf(s.value)].some((r) => r !== item);
  }
}
