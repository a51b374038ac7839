/** One contraction's memory on the device, and kernels of different schedules run on it: what they compute, how long. */

import type { FusedProgram } from "../../compiler/ir/fused.ts";
import type { Kernel } from "../../compiler/ir/kernel.ts";
import type { PlanTexture } from "../../compiler/ir/plan.ts";
import { type Scalar, visitScalar } from "../../compiler/ir/scalar.ts";
import { elementCount, type Value } from "../../compiler/ir/types.ts";
import { uniformFields } from "../../compiler/ir/uniforms.ts";
import { KernelTable } from "../../compiler/kernelTable.ts";
import type { BufferPlace } from "../../compiler/plan/bindings.ts";
import type { Contraction } from "../../compiler/schedule/contraction.ts";
import type { Clock } from "../../runtime/profile.ts";
import type { Target } from "../../runtime/program/schema.ts";
import { textureExtent } from "../../runtime/program/texture.ts";
import { type Command, copyIntoTexture, recordCommands } from "../../runtime/webgpu/commands.ts";
import { Allocator, type DeviceWatch, scoped } from "../../runtime/webgpu/device.ts";
import { buildPipelines } from "../../runtime/webgpu/pipelines.ts";
import { clockOf, timeCommands } from "../../runtime/webgpu/profile.ts";
import { readSlice, writeSlice } from "../../runtime/webgpu/readback.ts";

const uniformValues: Readonly<Record<string, number>> = {
  seed: 1,
  step: 1,
  lr: 0.5,
  momentum: 0.9,
  weightDecay: 0.01,
  pictureHeight: 1,
  pictureWidth: 1,
};

const readbackBytes = 16 * 2 ** 20;

/** A kernel's dispatch, after the copies into the textures that it reads. */
export type Runnable = readonly Command[];

export class KernelBench {
  readonly clock: Clock;
  private readonly allocator: Allocator;
  private readonly uniforms: GPUBuffer;
  private readonly readback: GPUBuffer;
  /** By storage: the versions of a state share theirs. */
  private readonly memory = new Map<Value, GPUBuffer>();
  private readonly places = new Map<Value, BufferPlace>();
  private readonly copies = new Map<Value, PlanTexture>();
  private readonly textures = new Map<PlanTexture, GPUTexture>();
  private readonly previous: ReadonlyMap<Value, Value>;
  private readonly states: ReadonlySet<Value>;
  private readonly positive: ReadonlySet<Value>;

  constructor(
    private readonly device: GPUDevice,
    private readonly watch: DeviceWatch,
    private readonly contraction: Contraction,
    program: FusedProgram,
    private readonly target: Target,
  ) {
    this.clock = clockOf(device);
    this.allocator = new Allocator(device);
    this.previous = new Map(program.updates.map(({ state, next }) => [next, state]));
    this.states = new Set(program.states.map(({ value }) => value));
    this.positive = positiveValues(contraction);
    const { UNIFORM, COPY_DST, MAP_READ } = GPUBufferUsage;
    this.uniforms = this.allocator.create("uniforms", Math.ceil(uniformFields.length / 4) * 16, UNIFORM | COPY_DST);
    this.readback = this.allocator.create("readback", readbackBytes, MAP_READ | COPY_DST);
    const block = new DataView(new ArrayBuffer(uniformFields.length * 4));
    uniformFields.forEach(({ name, type }, i) => {
      if (type === "f32") block.setFloat32(4 * i, uniformValues[name], true);
      else block.setUint32(4 * i, uniformValues[name], true);
    });
    device.queue.writeBuffer(this.uniforms, 0, block.buffer as ArrayBuffer);
  }

  /**
   * A kernel of the contraction ready to run. The driver may compile only when it first does.
   * @throws KilnError where the device refuses it, or has no memory for its values
   */
  async prepare(kernel: Kernel): Promise<Runnable> {
    const { device, watch } = this;
    const table = new KernelTable(this.target);
    const { shared } = table.add(kernel, {
      placeOf: (value) => this.place(value),
      textureOf: (value) => this.copyOf(value),
    });
    const pipelines = await watch.wait(buildPipelines(device, { program: table, kernels: table.texts }, [0]));
    const pipeline = pipelines.get(0)!;
    const copies: Command[] = [];
    const resources: (GPUBufferBinding | GPUTextureView)[] = [];
    for (const { place, buffers } of shared) {
      const [{ value }] = buffers;
      const buffer = await this.buffer(value);
      if (place.kind !== "texture") resources.push({ buffer });
      else {
        const texture = await this.texture(place.texture);
        resources.push(texture.createView());
        copies.push(copyIntoTexture({ buffer, offset: 0, size: buffer.size }, texture, elementCount(value.type.shape)));
      }
    }
    if (kernel.uniforms.length > 0) resources.push({ buffer: this.uniforms });
    const { result: bindGroup, checked } = scoped(device, `binding the buffers of ${kernel.name}`, () =>
      device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: resources.map((resource, binding) => ({ binding, resource })),
      }),
    );
    await watch.wait(checked);
    const { name, workgroups, operations, executedOperations = operations } = kernel;
    return [...copies, { kernel: name, pipeline, bindGroup, workgroups, operations: executedOperations }];
  }

  /** Runs a kernel once on fresh inputs: what it stores, in the order of the contraction's stores. */
  async outputs(runnable: Runnable): Promise<Float32Array[]> {
    const { device, watch } = this;
    const stored = this.contraction.stores.map(({ value }) => value);
    for (const value of stored) {
      const buffer = await this.buffer(value);
      // What the kernel updates it also reads; anything else that an earlier kernel stored must not pass for this one's.
      if (this.storage(value) !== value) await this.fill(this.storage(value), buffer);
      else {
        const encoder = device.createCommandEncoder();
        encoder.clearBuffer(buffer);
        device.queue.submit([encoder.finish()]);
      }
    }
    const { checked } = scoped(device, `running ${this.contraction.group.name}`, () => {
      const encoder = device.createCommandEncoder();
      recordCommands(encoder, runnable);
      device.queue.submit([encoder.finish()]);
    });
    await watch.wait(checked);
    const results: Float32Array[] = [];
    for (const value of stored) {
      const buffer = await this.buffer(value);
      const slice = { buffer, offset: 0, size: buffer.size };
      const bytes = await readSlice(device, watch, this.readback, slice, elementCount(value.type.shape) * 4);
      results.push(new Float32Array(bytes));
    }
    return results;
  }

  /** Runs kernels once each, in turn, with the copies that each needs: milliseconds. `expected` is about how long they
   * take together, 0 where not known. */
  async time(among: readonly Runnable[], expected: number): Promise<number[]> {
    const times = await timeCommands(this.device, this.watch, among.flat(), expected);
    let at = 0;
    return among.map((runnable) => {
      const own = times.slice(at, at + runnable.length);
      at += runnable.length;
      return own.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e6;
    });
  }

  destroy(): void {
    this.allocator.destroy();
  }

  private storage(value: Value): Value {
    const state = this.previous.get(value);
    return state ? this.storage(state) : value;
  }

  /** As a plan would have it, each value for itself. */
  private place(value: Value): BufferPlace {
    const storage = this.storage(value);
    const known = this.places.get(storage);
    if (known) return known;
    const size = elementCount(storage.type.shape) * 4;
    const place: BufferPlace = this.states.has(storage)
      ? { kind: "state", state: storage }
      : { kind: "arena", arena: this.places.size, offset: 0, size };
    this.places.set(storage, place);
    return place;
  }

  private copyOf(value: Value): PlanTexture {
    const known = this.copies.get(value);
    if (known) return known;
    const copy = { name: `${value.name}.texture`, type: value.type };
    const size = elementCount(value.type.shape) * 4;
    const texture = { value: copy, source: value, gpuTexture: this.copies.size, size, start: 0, end: 1 };
    this.copies.set(value, texture);
    return texture;
  }

  private async texture(copy: PlanTexture): Promise<GPUTexture> {
    const known = this.textures.get(copy);
    if (known) return known;
    const { name, type } = copy.value;
    const texture = this.allocator.createTexture(name, textureExtent(elementCount(type.shape)));
    await this.watch.wait(this.allocator.checked());
    this.textures.set(copy, texture);
    return texture;
  }

  private async buffer(value: Value): Promise<GPUBuffer> {
    const storage = this.storage(value);
    const known = this.memory.get(storage);
    if (known) return known;
    const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
    const bytes = elementCount(storage.type.shape) * 4;
    const buffer = this.allocator.create(storage.name, bytes, STORAGE | COPY_DST | COPY_SRC);
    await this.watch.wait(this.allocator.checked());
    this.memory.set(storage, buffer);
    await this.fill(storage, buffer);
    return buffer;
  }

  private async fill(value: Value, buffer: GPUBuffer): Promise<void> {
    const values = drawn(value, this.positive.has(value));
    await writeSlice(this.device, this.watch, { buffer, offset: 0, size: buffer.size }, values);
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
