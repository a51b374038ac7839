import type { SessionMemory } from "../device.ts";
import { formatBytes, KilnError } from "../program/error.ts";
import { elementCount } from "../program/layout.ts";
import type {
  EntryName,
  Program,
  ProgramBinding,
  ProgramBuffer,
  ProgramEntry,
  ProgramTensor,
} from "../program/schema.ts";
import { Allocator } from "./device.ts";

/** Reading back goes through one buffer, in pieces of this size. */
const readbackBytes = 16 * 2 ** 20;

/** A range of a GPU buffer. */
export interface Slice {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** Every GPU buffer and texture of a session, made once. */
export class SessionBuffers {
  readonly #allocators: Record<"arena" | "state" | "input" | "staging", Allocator>;
  readonly #arenas: GPUBuffer[] = [];
  readonly #textures: GPUTexture[] = [];
  readonly #states = new Map<string, GPUBuffer>();
  readonly uniforms: GPUBuffer;
  readonly labels: GPUBuffer;
  readonly pictures: GPUBuffer | null;
  readonly readback: GPUBuffer;

  constructor(
    device: GPUDevice,
    readonly program: Program,
    entries: readonly EntryName[],
    /** Bytes of the largest batch of pictures; 0 for a session without. */
    pictureBytes: number,
  ) {
    const allocator = () => new Allocator(device);
    this.#allocators = { arena: allocator(), state: allocator(), input: allocator(), staging: allocator() };
    const { STORAGE, COPY_DST, COPY_SRC, UNIFORM, MAP_READ } = GPUBufferUsage;
    const storage = STORAGE | COPY_DST | COPY_SRC;

    for (const state of program.state)
      this.#states.set(state.name, this.#allocators.state.create(state.name, elementCount(state.shape) * 4, storage));

    // One entry point runs at a time, and none expects anything in its arena but what it is given.
    const arenas = entries.map((name) => program.entries[name]!.arenas);
    for (let k = 0; k < Math.max(...arenas.map((a) => a.length)); k++) {
      const bytes = Math.max(...arenas.map((a) => a[k] ?? 0));
      this.#arenas.push(this.#allocators.arena.create(`arena ${k}`, bytes, storage));
    }
    const textures = entries.map((name) => program.entries[name]!.gpuTextures);
    for (let k = 0; k < Math.max(...textures.map((t) => t.length)); k++) {
      const most = (side: "width" | "height") => Math.max(...textures.map((t) => t[k]?.[side] ?? 0));
      const extent = { width: most("width"), height: most("height") };
      this.#textures.push(this.#allocators.arena.createTexture(`texture ${k}`, extent));
    }

    const { input, staging } = this.#allocators;
    this.uniforms = input.create(
      "uniforms",
      Math.max(1, Math.ceil(program.uniforms.length / 4)) * 16,
      UNIFORM | COPY_DST,
    );
    this.labels = input.create("labels", program.model.batch * 4, STORAGE | COPY_DST);
    if (pictureBytes > device.limits.maxStorageBufferBindingSize)
      throw new KilnError(
        "out-of-memory",
        `a batch of pictures takes ${formatBytes(pictureBytes)}; the adapter binds at most ` +
          `${formatBytes(device.limits.maxStorageBufferBindingSize)}. Use smaller pictures or a smaller batch.`,
      );
    this.pictures = pictureBytes > 0 ? input.create("pictures", pictureBytes, STORAGE | COPY_DST) : null;

    const largest = Math.max(
      16,
      ...[...this.#states.values()].map((buffer) => buffer.size),
      ...entries.flatMap((name) => outputsOf(program.entries[name]!).map((buffer) => buffer.size)),
    );
    this.readback = staging.create("readback", Math.min(readbackBytes, largest), MAP_READ | COPY_DST);
  }

  /** A staging buffer, mapped for writing. */
  createUpload(label: string, bytes: number): GPUBuffer {
    const { MAP_WRITE, COPY_SRC } = GPUBufferUsage;
    return this.#allocators.staging.create(label, bytes, MAP_WRITE | COPY_SRC);
  }

  /** A small buffer to map for reading. */
  createReadback(label: string, bytes: number): GPUBuffer {
    const { MAP_READ, COPY_DST } = GPUBufferUsage;
    return this.#allocators.staging.create(label, bytes, MAP_READ | COPY_DST);
  }

  /** Throws KilnError naming the first buffer or texture that could not be made. */
  async checked(): Promise<void> {
    for (const allocator of Object.values(this.#allocators)) await allocator.checked();
  }

  get memory(): SessionMemory {
    const { arena, state, input, staging } = this.#allocators;
    return {
      arenaBytes: arena.bytes,
      persistentBytes: state.bytes,
      inputBytes: input.bytes,
      stagingBytes: staging.bytes,
      totalBytes: arena.bytes + state.bytes + input.bytes + staging.bytes,
    };
  }

  state(name: string): GPUBuffer {
    const buffer = this.#states.get(name);
    if (!buffer) throw new KilnError("usage", `the program has no state named ${name}`);
    return buffer;
  }

  /** Where a buffer of an entry lies: offsets count over all its arenas, one after another. */
  slice(entry: ProgramEntry, buffer: ProgramBuffer): Slice {
    let { offset } = buffer;
    let k = 0;
    for (; offset >= entry.arenas[k]; k++) offset -= entry.arenas[k];
    return { buffer: this.#arenas[k], offset, size: buffer.size };
  }

  /** The GPU texture that one of an entry's textures is in. */
  texture(entry: ProgramEntry, name: string): GPUTexture {
    return this.#textures[entry.textures.find((t) => t.name === name)!.gpuTexture];
  }

  tensor(entry: ProgramEntry, tensor: ProgramTensor): Slice {
    if (tensor.kind === "buffer") return this.slice(entry, entry.buffers.find((b) => b.name === tensor.name)!);
    const buffer = this.state(tensor.name);
    return { buffer, offset: 0, size: buffer.size };
  }

  resource(entry: ProgramEntry, binding: ProgramBinding): GPUBufferBinding | GPUTextureView {
    switch (binding.kind) {
      case "buffer":
      case "state":
        return this.tensor(entry, binding);
      case "texture":
        return this.texture(entry, binding.name).createView();
      case "labels":
        return { buffer: this.labels };
      case "uniforms":
        return { buffer: this.uniforms };
      case "pictures":
        if (!this.pictures) throw new KilnError("usage", "the session was made without pictures");
        return { buffer: this.pictures };
    }
  }

  destroy(): void {
    for (const allocator of Object.values(this.#allocators)) allocator.destroy();
  }
}

/** The buffers that an entry's outputs are in. */
const outputsOf = (entry: ProgramEntry): ProgramBuffer[] =>
  Object.values(entry.outputs).map((name) => entry.buffers.find((buffer) => buffer.name === name)!);
