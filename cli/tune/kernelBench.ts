/** One contraction by itself: kernels of different schedules run on a device, what they compute, how long they take. */

import type { FusedProgram } from "../../compiler/ir/fused.ts";
import type { Kernel } from "../../compiler/ir/kernel.ts";
import type { PlanTexture } from "../../compiler/ir/plan.ts";
import { type Scalar, visitScalar } from "../../compiler/ir/scalar.ts";
import { elementCount, type Value } from "../../compiler/ir/types.ts";
import { uniformFields } from "../../compiler/ir/uniforms.ts";
import { KernelTable } from "../../compiler/kernelTable.ts";
import type { BufferPlace } from "../../compiler/plan/bindings.ts";
import type { Contraction } from "../../compiler/schedule/contraction.ts";
import { assemble } from "../../compiler/wasm/assemble.ts";
import type { Device, LoadedProgram, Place } from "../../runtime/device.ts";
import { Inputs, type UniformName } from "../../runtime/inputs.ts";
import type { Clock } from "../../runtime/profile.ts";
import type { Artifact, ProgramBinding, ProgramStep, Target } from "../../runtime/program/schema.ts";
import { textureExtent } from "../../runtime/program/texture.ts";
import { singleEntryProgram } from "../bench/singleEntry.ts";

const uniformValues: Readonly<Record<UniformName, number>> = {
  seed: 1,
  step: 1,
  lr: 0.5,
  momentum: 0.9,
  weightDecay: 0.01,
  pictureHeight: 1,
  pictureWidth: 1,
};

/** A kernel on the device, with memory of its own, and the copies into the textures that it reads. */
export interface Runnable {
  readonly artifact: Artifact;
  readonly loaded: LoadedProgram;
}

export class KernelBench {
  private readonly previous: ReadonlyMap<Value, Value>;
  private readonly states: ReadonlySet<Value>;
  private readonly positive: ReadonlySet<Value>;
  private readonly running = new Set<Runnable>();
  /** How time was taken. */
  clock: Clock = "submits";

  constructor(
    private readonly device: Device,
    private readonly contraction: Contraction,
    program: FusedProgram,
    private readonly target: Target,
  ) {
    this.previous = new Map(program.updates.map(({ state, next }) => [next, state]));
    this.states = new Set(program.states.map(({ value }) => value));
    this.positive = positiveValues(contraction);
  }

  /**
   * A kernel of the contraction ready to run, its inputs filled. The driver may compile only when it first does.
   * @throws KilnError where the device refuses it, or has no memory for its values
   */
  async prepare(kernel: Kernel): Promise<Runnable> {
    const artifact = await assemble(this.artifact(kernel));
    const loaded = await this.device.load(artifact, { entries: ["forward"], pictureBytes: 0, inFlight: 2 });
    const runnable = { artifact, loaded };
    this.running.add(runnable);
    for (const value of new Set(kernel.buffers.map((b) => this.storage(b.value)))) await this.fill(runnable, value);
    return runnable;
  }

  /** Frees what a kernel has on the device. */
  release(runnable: Runnable): void {
    this.running.delete(runnable);
    runnable.loaded.destroy();
  }

  /** Runs a kernel once on fresh inputs: what it stores, in the order of the contraction's stores. */
  async outputs(runnable: Runnable): Promise<Float32Array[]> {
    const stored = this.contraction.stores.map(({ value }) => value);
    for (const value of stored) {
      // What the kernel updates it also reads; anything else that was stored before must not pass for what is stored now.
      const storage = this.storage(value);
      if (storage !== value) await this.fill(runnable, storage);
      else await runnable.loaded.write(this.at(runnable, value), new Float32Array(elementCount(value.type.shape)));
    }
    const { done } = await runnable.loaded.submit(this.run(runnable));
    await done;
    const results: Float32Array[] = [];
    for (const value of stored) {
      const bytes = elementCount(value.type.shape) * 4;
      results.push(new Float32Array(await runnable.loaded.read(this.at(runnable, this.storage(value)), bytes)));
    }
    return results;
  }

  /** Runs kernels once each, in turn, with the copies that each needs: milliseconds. `expected` is about how long each
   * takes, 0 where not known. */
  async time(among: readonly Runnable[], expected: number): Promise<number[]> {
    const times: number[] = [];
    for (const runnable of among) {
      const { clock, totalNanoseconds } = await runnable.loaded.profile(this.run(runnable), 1, expected);
      this.clock = clock;
      times.push(totalNanoseconds / 1e6);
    }
    return times;
  }

  destroy(): void {
    for (const runnable of this.running) this.release(runnable);
  }

  private run({ artifact }: Runnable) {
    const inputs = new Inputs(artifact.program, 0);
    for (const [name, value] of Object.entries(uniformValues)) inputs.setUniform(name as UniformName, value);
    return { entry: "forward", pictures: false, inputs } as const;
  }

  private storage(value: Value): Value {
    const state = this.previous.get(value);
    return state ? this.storage(state) : value;
  }

  /** A program of this kernel alone: as a plan would have it, each value for itself. */
  private artifact(kernel: Kernel): Artifact {
    const places = new Map<Value, BufferPlace>();
    const placeOf = (value: Value): BufferPlace => {
      const storage = this.storage(value);
      const size = elementCount(storage.type.shape) * 4;
      const place: BufferPlace =
        places.get(storage) ??
        (this.states.has(storage)
          ? { kind: "state", state: storage }
          : { kind: "arena", arena: places.size, offset: 0, size });
      places.set(storage, place);
      return place;
    };
    const copies = new Map<Value, PlanTexture>();
    const textureOf = (value: Value): PlanTexture => {
      const copy = { name: `${value.name}.texture`, type: value.type };
      const size = elementCount(value.type.shape) * 4;
      const made = { value: copy, source: value, gpuTexture: copies.size, size, start: 0, end: 1 };
      const texture = copies.get(value) ?? made;
      copies.set(value, texture);
      return texture;
    };
    const table = new KernelTable(this.target);
    const { index, shared } = table.add(kernel, { placeOf, textureOf });
    const tensorOf = (value: Value) => {
      const storage = this.storage(value);
      return { kind: this.states.has(storage) ? ("state" as const) : ("buffer" as const), name: storage.name };
    };
    const bindings = shared.map(({ place, buffers }): ProgramBinding => {
      const [{ value }] = buffers;
      return place.kind === "texture" ? { kind: "texture", name: place.texture.value.name } : tensorOf(value);
    });
    if (kernel.uniforms.length > 0) bindings.push({ kind: "uniforms" });
    const fills = [...copies].map(([value, { value: copy }]): ProgramStep => {
      placeOf(value);
      return { copy: tensorOf(value), texture: copy.name };
    });
    return singleEntryProgram({
      name: kernel.name,
      target: this.target,
      table,
      states: [...places.keys()].filter((value) => this.states.has(value)),
      buffers: [...places.keys()].filter((value) => !this.states.has(value)),
      textures: [...copies.values()].map((copy) => ({
        ...copy,
        extent: textureExtent(elementCount(copy.value.type.shape)),
      })),
      steps: [...fills, { kernel: index, workgroups: kernel.workgroups, bindings }],
      uniforms: uniformFields,
    });
  }

  private at({ artifact }: Runnable, value: Value): Place {
    const storage = this.storage(value);
    if (this.states.has(storage)) return { kind: "state", name: storage.name };
    const buffer = artifact.program.entries.forward!.buffers.find((b) => b.name === storage.name)!;
    return { kind: "buffer", entry: "forward", buffer };
  }

  private async fill(runnable: Runnable, value: Value): Promise<void> {
    await runnable.loaded.write(this.at(runnable, value), drawn(value, this.positive.has(value)));
  }
}

/** Numbers of either sign, none of them denormal, the same in every run; positive ones where a root or a quotient wants
 * them, small integers where the tensor holds such. */
function drawn(value: Value, positive: boolean): Float32Array {
  const { dtype, shape } = value.type;
  const count = elementCount(shape);
  // A linear congruential generator (Numerical Recipes' constants): tensors are large, and need no better one.
  let state = [...value.name].reduce((hash, letter) => Math.imul(hash, 31) + letter.charCodeAt(0), 12345);
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 8;
  };
  if (dtype !== "f32") return new Float32Array(Uint32Array.from({ length: count }, () => next() % 8).buffer);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = positive ? 0.5 + next() / 2 ** 24 : (next() - 2 ** 23 + 0.5) / 2 ** 23;
  return values;
}

/** What the epilogue takes the root, logarithm or power of, or divides by. */
function positiveValues({ stores }: Contraction): Set<Value> {
  const values = new Set<Value>();
  const inside = (s: Scalar) =>
    visitScalar(s, ({ node }) => {
      if (node.kind === "read") values.add(node.tensor);
    });
  for (const { expr } of stores)
    visitScalar(expr, ({ node: n }) => {
      if (n.kind === "unary" && (n.op === "sqrt" || n.op === "log")) inside(n.a);
      if (n.kind === "binary" && n.op === "pow") inside(n.a);
      if (n.kind === "binary" && n.op === "div") inside(n.b);
    });
  return values;
}
