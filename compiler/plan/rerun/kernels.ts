/** A sequence of runs -> kernels: each run a kernel of its own, that writes values of its own. */
import type { Kernel } from "../../ir/kernel.ts";
import { wholeOf } from "../../ir/parts.ts";
import type { Value } from "../../ir/types.ts";
import { freshName } from "../steps.ts";

export interface Unfolded {
  readonly kernels: readonly Kernel[];
  /** Each value of a second run, with the one that it equals. */
  readonly originals: ReadonlyMap<Value, Value>;
}

/** Kernels in the order of a valid sequence of their numbers. The first run of each is the kernel itself, reads apart. */
export function unfold(kernels: readonly Kernel[], sequence: readonly number[]): Unfolded {
  const values = new Set(
    kernels.flatMap((kernel) => kernel.buffers.flatMap((b) => [b.value.name, wholeOf(b.value).name])),
  );
  const names = new Set(kernels.map((kernel) => kernel.name));
  const originals = new Map<Value, Value>();
  const latest = new Map<Value, Value>();
  const ran = new Set<Kernel>();
  const parts = new Map<Value, Map<Value, Value>>();
  /** The part of a copy that is what `part` is of the first. */
  const partOf = (copy: Value, part: Value): Value => {
    const known = parts.get(copy) ?? new Map<Value, Value>();
    parts.set(copy, known);
    const made = known.get(part) ?? {
      name: freshName(`${part.name}.again`, values),
      type: part.type,
      part: { of: copy, from: part.part!.from },
    };
    known.set(part, made);
    originals.set(made, part);
    return made;
  };
  const runs = sequence.map((k) => {
    const kernel = kernels[k];
    const first = !ran.has(kernel);
    ran.add(kernel);
    const written = new Map<Value, Value>();
    if (!first) {
      for (const { value, writes } of kernel.buffers) {
        if (!writes || written.has(value)) continue;
        const copy = { ...value, name: freshName(`${value.name}.again`, values) };
        written.set(value, copy);
        originals.set(copy, value);
      }
    }
    const found = (value: Value): Value => {
      const copy = latest.get(wholeOf(value));
      if (value.part && copy) return partOf(copy, value);
      return written.get(value) ?? latest.get(value) ?? value;
    };
    const run: Kernel = {
      ...kernel,
      ...(first ? {} : { name: freshName(`${kernel.name}_again`, names), copyOf: kernel.name }),
      buffers: kernel.buffers.map((b) => ({ ...b, value: found(b.value) })),
      inPlace: kernel.inPlace.map(([w, r]) => [found(w), found(r)] as const),
    };
    for (const [value, copy] of written) latest.set(value, copy);
    return run;
  });
  return { kernels: runs, originals };
}
