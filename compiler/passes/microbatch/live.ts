/** Bytes that are alive while groups run in slices, by an estimate; fast, since a search asks thousands of times. */
import type { Value } from "../../ir/types.ts";
import { bytesOf, roundToSlice } from "../../plan/problem.ts";
import type { Groups, Item } from "./regions.ts";

interface Stored {
  readonly value: Value;
  readonly bytes: number;
  /** The group that stores it; -1 of an input. */
  readonly writer: number;
  readonly readers: readonly number[];
  readonly kept: boolean;
}

/** What a program's values take while its groups run one after another, as they stand. */
export class Live {
  private readonly values: readonly Stored[];
  /** By group that sums over pictures into a state: bytes of the sum so far. */
  private readonly sums: readonly (readonly [group: number, bytes: number])[];
  private readonly count: number;

  constructor(groups: Groups) {
    const { program, stores, use, apart, outputs } = groups;
    this.count = stores.length;
    const stored = (value: Value, writer: number): Stored[] => {
      if (apart.has(value)) return [];
      const bytes = roundToSlice(bytesOf(value));
      return [{ value, bytes, writer, readers: groups.readersOf(value), kept: outputs.has(value) }];
    };
    this.values = [
      ...program.inputs.flatMap(({ value }) => stored(value, -1)),
      ...stores.flatMap((values, g) => values.flatMap((value) => stored(value, g))),
    ];
    this.sums = stores.flatMap((values, g) => {
      const { kind } = use.slicings[g] ?? { kind: "each" };
      return kind !== "each" && values.some((v) => apart.has(v)) ? [[g, roundToSlice(bytesOf(values[0]))]] : [];
    });
  }

  /** By moment, each of which is a group's. `used`: of what is stored whole only what a group reads or stores as it runs; the rest could be made again. */
  of(items: readonly Item[], { used = false }: { readonly used?: boolean } = {}): Float64Array {
    const { count } = this;
    const own = new Int32Array(count);
    const first = new Int32Array(count);
    const last = new Int32Array(count);
    const itemOf: Item[] = [];
    let t = 0;
    for (const item of items) {
      const start = t;
      const end = t + item.groups.length;
      for (const g of item.groups) {
        itemOf[g] = item;
        own[g] = t++;
        first[g] = start;
        last[g] = end;
      }
    }
    const change = new Float64Array(count + 1);
    const add = (bytes: number, from: number, to: number): void => {
      change[from] += bytes;
      change[to] -= bytes;
    };
    for (const { value, bytes, writer, readers, kept } of this.values) {
      const item = writer < 0 ? undefined : itemOf[writer];
      if (item?.inside.has(value)) {
        let end = own[writer] + 1;
        for (const r of readers) if (own[r] >= end) end = own[r] + 1;
        add(roundToSlice(bytes / item.slices), own[writer], end);
      } else if (used && item?.slices === 1 && !kept) {
        add(bytes, first[writer], last[writer]);
        const seen = new Set([first[writer]]);
        for (const r of readers) {
          if (seen.has(first[r])) continue;
          seen.add(first[r]);
          add(bytes, first[r], last[r]);
        }
      } else {
        let end = kept ? count : writer < 0 ? 1 : last[writer];
        for (const r of readers) if (last[r] > end) end = last[r];
        add(bytes, writer < 0 ? 0 : first[writer], end);
      }
    }
    for (const [g, bytes] of this.sums) if (itemOf[g].slices > 1) add(bytes, first[g], last[g]);
    for (let i = 1; i < count; i++) change[i] += change[i - 1];
    return change.subarray(0, count);
  }
}
