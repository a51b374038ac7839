import { BufferAllocator } from "./device.ts";
import { formatBytes, KilnError } from "./program/error.ts";
import { elementCount } from "./program/layout.ts";
import type { EntryName, Program, ProgramBinding, ProgramBuffer, ProgramEntry } from "./program/schema.ts";

/** What a session allocated, in bytes. */
export interface SessionMemory {
  /** The arena of the entry points: shared by them, so as large as the largest. */
  readonly arenaBytes: number;
  /** Parameters, velocities, statistics. */
  readonly persistentBytes: number;
  /** Pictures, labels and uniforms on the device. */
  readonly inputBytes: number;
  /** Staging buffers for uploads and for reading back. */
  readonly stagingBytes: number;
  readonly totalBytes: number;
}

/** Reading back goes through one buffer, in pieces of this size. */
const readbackBytes = 16 * 2 ** 20;

/** A range of a GPU buffer. */
export interface Slice {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** Every GPU buffer of a session, made once. */
export class SessionBuffers {
  readonly #allocators: Record<"arena" | "state" | "input" | "staging", BufferAllocator>;
  readonly #arenas: GPUBuffer[] = [];
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
    const allocator = () => new BufferAllocator(device);
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

  /** Throws KilnError naming the first buffer that could not be made. */
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

  resource(entry: ProgramEntry, binding: ProgramBinding): GPUBufferBinding {
    switch (binding.kind) {
      case "buffer":
        return this.slice(entry, entry.buffers.find((b) => b.name === binding.name)!);
      case "state":
        return { buffer: this.state(binding.name) };
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
