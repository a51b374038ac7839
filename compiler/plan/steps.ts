/** What a plan runs, one step after another: kernels, and the copies into the textures that kernels read. */

import { textureBytes, textureExtent } from "../../runtime/program/texture.ts";
import type { Kernel } from "../ir/kernel.ts";
import { wholeOf } from "../ir/parts.ts";
import { elementCount, type Value } from "../ir/types.ts";
import { valuesRead, valuesWritten } from "./problem.ts";

/** A kernel, or the copy of `source` into a texture: where there is no kernel. */
export interface Step {
  readonly name: string;
  readonly kernel?: Kernel;
  readonly reads: readonly Value[];
  readonly writes: readonly Value[];
  readonly inPlace: Kernel["inPlace"];
}

export const kernelStep = (kernel: Kernel): Step => ({
  name: kernel.name,
  kernel,
  reads: valuesRead(kernel),
  writes: valuesWritten(kernel),
  inPlace: kernel.inPlace,
});

/** Values that a kernel reads from textures. */
export const valuesInTextures = (kernel: Kernel): Value[] => [
  ...new Set(kernel.buffers.filter((b) => b.storage === "texture").map((b) => b.value)),
];

export interface Steps {
  readonly steps: readonly Step[];
  /** Each copy in a texture, a value of its own, with the value that it is a copy of. */
  readonly sources: ReadonlyMap<Value, Value>;
}

/**
 * Kernels in the order in which they run, each after the copies into the textures that it reads. A copy serves kernels
 * that run directly one after another: making it again takes less than a percent of what a kernel does with it, keeping
 * it takes memory. `inTextures` is what each reads so, where that is not what it says itself.
 */
export function withCopies(
  kernels: readonly Kernel[],
  inTextures: (kernel: Kernel) => readonly Value[] = valuesInTextures,
): Steps {
  const taken = new Set(kernels.flatMap((k) => k.buffers.flatMap((b) => [b.value.name, wholeOf(b.value).name])));
  const steps: Step[] = [];
  const sources = new Map<Value, Value>();
  /** Copies that the kernel before reads, by source. */
  let open = new Map<Value, Value>();
  for (const kernel of kernels) {
    const copies = new Map<Value, Value>();
    for (const source of inTextures(kernel)) {
      const copy = open.get(source) ?? { name: freshName(`${source.name}.texture`, taken), type: source.type };
      copies.set(source, copy);
      if (sources.has(copy)) continue;
      sources.set(copy, source);
      steps.push({ name: `copy %${source.name}`, reads: [source], writes: [copy], inPlace: [] });
    }
    const read = kernel.buffers.filter((b) => b.reads);
    const reads = new Set(read.map((b) => (b.storage === "texture" && copies.get(b.value)) || b.value));
    steps.push({ ...kernelStep(kernel), reads: [...reads] });
    open = copies;
  }
  return { steps, sources };
}

/** The name itself, or with a number where it is taken; from now on it is. */
export function freshName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
  taken.add(name);
  return name;
}

/** Bytes that a value takes in a texture. */
export const bytesInTexture = (value: Value): number => textureBytes(textureExtent(elementCount(value.type.shape)));
