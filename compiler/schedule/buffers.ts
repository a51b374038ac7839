/** The buffers of one kernel: names, widths, accesses. */

import type { FusedProgram } from "../ir/fused.ts";
import { Index } from "../ir/index.ts";
import type { KernelBuffer, Storage, Width } from "../ir/kernel.ts";
import { elementCount, type Value } from "../ir/types.ts";

/** Elements between neighbours along each logical dimension. */
export function strides(value: Value, layouts: FusedProgram["layouts"]): number[] {
  const { shape } = value.type;
  const order = layouts.get(value) ?? shape.map((_, d) => d);
  const result = shape.map(() => 0);
  let stride = 1;
  for (let i = order.length - 1; i >= 0; i--) {
    result[order[i]] = stride;
    stride *= shape[order[i]];
  }
  return result;
}

/** Where an element lies in memory, in elements. */
export function address(value: Value, index: readonly Index[], layouts: FusedProgram["layouts"]): Index {
  const stride = strides(value, layouts);
  return index.reduce((sum, i, d) => sum.plus(i.times(stride[d])), Index.of(0));
}

/** A name fit for a variable in any language. */
export const identifier = (name: string): string => name.replace(/[^A-Za-z0-9]+/g, "_").replace(/^(?=\d)|^_+/, "v");

/** What a kernel calls a value: its name's words without their numbers, so that layers which are alike have like kernels. */
export const bufferName = (value: Value): string =>
  identifier(value.name.replace(/_?\d+(?=[^A-Za-z0-9]|$)/g, "")) || "v";

interface Entry {
  readonly name: string;
  readonly value: Value;
  readonly storage: Storage;
  reads: boolean;
  writes: boolean;
}

/**
 * Collects what a kernel accesses. A buffer has one width: four where every access is a vector, else one. Since that is
 * known only at the end, a kernel is built again until no more buffers turn out to be scalar (`scalars` grows).
 */
export class BufferTable {
  private readonly entries: Entry[] = [];
  /** All names in the kernel, those of its variables too. */
  readonly names = new Set<string>();

  constructor(
    readonly layouts: FusedProgram["layouts"],
    /** Values known to be read or written element by element. */
    readonly scalars: Set<Value>,
  ) {}

  /** A value may be in a texture for some of its reads and in its buffer for others. */
  use(value: Value, access: "read" | "write", storage: Storage = "buffer"): Entry {
    let entry = this.entries.find((e) => e.value === value && e.storage === storage);
    if (!entry) {
      const base = storage === "texture" ? `${bufferName(value)}_texture` : bufferName(value);
      let name = base;
      for (let i = 2; this.names.has(name); i++) name = `${base}_v${i}`;
      this.names.add(name);
      entry = { name, value, storage, reads: false, writes: false };
      this.entries.push(entry);
    }
    if (access === "read") entry.reads = true;
    else entry.writes = true;
    return entry;
  }

  address(value: Value, index: readonly Index[]): Index {
    return address(value, index, this.layouts);
  }

  width(value: Value): Width {
    return this.scalars.has(value) || elementCount(value.type.shape) % 4 !== 0 ? 1 : 4;
  }

  buffers(): KernelBuffer[] {
    return this.entries.map((e): KernelBuffer => {
      const width = e.storage === "texture" ? 4 : this.width(e.value);
      const length = elementCount(e.value.type.shape) / width;
      return {
        name: e.name,
        value: e.value,
        dtype: e.value.type.dtype,
        width,
        length,
        reads: e.reads,
        writes: e.writes,
        ...(e.storage === "texture" ? { storage: e.storage } : {}),
      };
    });
  }
}

/** Builds a kernel with `build`, again with fewer vector buffers until the widths agree with the accesses. */
export function withStableWidths<T>(layouts: FusedProgram["layouts"], build: (table: BufferTable) => T): T {
  const scalars = new Set<Value>();
  for (;;) {
    const before = scalars.size;
    const result = build(new BufferTable(layouts, scalars));
    if (scalars.size === before) return result;
  }
}
