/** What a dispatch of a plan binds: values in one place are one binding, since WebGPU lets no two writable ones overlap. */
import type { Kernel, KernelBuffer } from "../ir/kernel.ts";
import type { Plan, PlanTexture } from "../ir/plan.ts";
import type { Value } from "../ir/types.ts";
import type { PlanProblem } from "./problem.ts";

/** Bytes in a GPU buffer: a slice of the arena numbered `arena`, or the whole of a state's or of the run's own buffer. */
export type BufferPlace =
  | { readonly kind: "arena"; readonly arena: number; readonly offset: number; readonly size: number }
  | { readonly kind: "state"; readonly state: Value }
  | { readonly kind: "external"; readonly value: Value };

export type Place = BufferPlace | { readonly kind: "texture"; readonly texture: PlanTexture };

/** Where a value lies: `placeOf(value)`. `offset` counts from the arena's own start. Throws for a value of another plan. */
export function placesOf(plan: Plan, problem: PlanProblem): (value: Value) => BufferPlace {
  const places = new Map<Value, BufferPlace>();
  for (const { value, offset, size } of plan.buffers) {
    let arena = 0;
    let from = 0;
    while (offset >= from + plan.arenas[arena]) from += plan.arenas[arena++];
    places.set(value, { kind: "arena", arena, offset: offset - from, size });
  }
  for (const state of problem.states) places.set(state, { kind: "state", state });
  for (const value of problem.external) places.set(value, { kind: "external", value });
  // A next version may itself be the state of an update: follow the versions back to the storage.
  const previous = new Map(problem.updates.map(({ state, next }) => [next, state]));
  const rootOf = (value: Value): Value => (previous.has(value) ? rootOf(previous.get(value)!) : value);
  for (const next of previous.keys()) places.set(next, { kind: "state", state: rootOf(next) });
  return (value) => {
    const place = places.get(value);
    if (!place) throw new Error(`plan: %${value.name} has no place`);
    return place;
  };
}

/** The copy of a value that step i reads from a texture: `textureAt(plan, i)(value)`. Throws where there is none. */
export const textureAt =
  (plan: Plan, i: number) =>
  (value: Value): PlanTexture => {
    const texture = plan.textures.find((t) => t.source === value && t.start <= i && i < t.end);
    if (!texture) throw new Error(`plan: at step ${i}, no texture holds %${value.name}`);
    return texture;
  };

/** One binding of a kernel, and the kernel's buffers that share it. */
export interface PlanBinding {
  readonly place: Place;
  readonly buffers: readonly KernelBuffer[];
}

/** A kernel's bindings, in the order of its buffers; those that lie in one place share the first's. */
export function kernelBindings(
  kernel: Kernel,
  placeOf: (value: Value) => BufferPlace,
  textureOf: (value: Value) => PlanTexture,
): PlanBinding[] {
  const bindings = new Map<string, { place: Place; buffers: KernelBuffer[] }>();
  for (const buffer of kernel.buffers) {
    const { value, storage } = buffer;
    const place: Place = storage === "texture" ? { kind: "texture", texture: textureOf(value) } : placeOf(value);
    const binding = bindings.get(keyOf(place));
    if (!binding) bindings.set(keyOf(place), { place, buffers: [buffer] });
    else binding.buffers.push(buffer);
  }
  return [...bindings.values()];
}

function keyOf(place: Place): string {
  if (place.kind === "arena") return `${place.arena}:${place.offset}`;
  if (place.kind === "texture") return `texture:${place.texture.value.name}`;
  return `${place.kind}:${(place.kind === "state" ? place.state : place.value).name}`;
}
