/** Who has to run before whom, between growing groups. */
import type { Update } from "../../ir/graph.ts";
import type { Value } from "../../ir/types.ts";
import { type Item, storesOf, tensorsRead } from "./item.ts";

export class Dependencies {
  private readonly producers = new Map<Value, Item>();
  private readonly readers = new Map<Value, Set<Item>>();
  /** From a state's next version to the version it replaces. */
  private readonly replaced: ReadonlyMap<Value, Value>;
  private readonly nextOf: ReadonlyMap<Value, Value>;

  constructor(updates: readonly Update[]) {
    this.replaced = new Map(updates.map((u) => [u.next, u.state]));
    this.nextOf = new Map(updates.map((u) => [u.state, u.next]));
  }

  add(item: Item): void {
    for (const s of storesOf(item)) this.producers.set(s.value, item);
    for (const tensor of tensorsRead(item)) {
      const set = this.readers.get(tensor) ?? new Set();
      this.readers.set(tensor, set.add(item));
    }
  }

  remove(item: Item): void {
    for (const s of storesOf(item)) if (this.producers.get(s.value) === item) this.producers.delete(s.value);
    for (const tensor of tensorsRead(item)) this.readers.get(tensor)?.delete(item);
  }

  producer(value: Value): Item | undefined {
    return this.producers.get(value);
  }

  readersOf(value: Value): ReadonlySet<Item> {
    return this.readers.get(value) ?? new Set();
  }

  /** The storage that a value has: a state's next version lies in the state's own. */
  storage = (value: Value): Value => this.replaced.get(value) ?? value;

  /** The group that overwrites a state. */
  writerOf(state: Value): Item | undefined {
    const next = this.nextOf.get(state);
    return next && this.producers.get(next);
  }

  /** The groups that have to run before this one. */
  *before(item: Item): Generator<Item> {
    for (const tensor of tensorsRead(item)) {
      const p = this.producers.get(tensor);
      if (p && p !== item) yield p;
    }
    for (const s of storesOf(item)) {
      const state = this.replaced.get(s.value);
      if (state) for (const reader of this.readersOf(state)) if (reader !== item) yield reader;
    }
  }

  /** The groups that have to run after this one. */
  private *after(item: Item): Generator<Item> {
    for (const s of storesOf(item)) for (const reader of this.readersOf(s.value)) if (reader !== item) yield reader;
    for (const tensor of tensorsRead(item)) {
      const writer = this.writerOf(tensor);
      if (writer && writer !== item) yield writer;
    }
  }

  /** Whether one of `items` has to run after `other`. Searches from `other` on: a group that still grows is young, and
   * few come after it, while nearly all of a deep network comes before. */
  dependsOn(items: ReadonlySet<Item>, other: Item): boolean {
    const seen = new Set<Item>();
    const stack = [other];
    for (let next = stack.pop(); next; next = stack.pop()) {
      if (items.has(next)) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      stack.push(...this.after(next));
    }
    return false;
  }

  /** Items in a valid order, otherwise in the order of the program. */
  sorted(items: readonly Item[]): Item[] {
    const done = new Set<Item>();
    const open = new Set<Item>();
    const result: Item[] = [];
    const visit = (item: Item): void => {
      if (done.has(item)) return;
      if (open.has(item)) throw new Error(`groups wait for each other: ${item.ops.join(", ")}`);
      open.add(item);
      for (const b of [...new Set(this.before(item))].sort((x, y) => x.order - y.order)) visit(b);
      open.delete(item);
      done.add(item);
      result.push(item);
    };
    for (const item of [...items].sort((x, y) => x.order - y.order)) visit(item);
    return result;
  }
}
