import type { SessionBuffers } from "./buffers.ts";
import type { DeviceWatch } from "./device.ts";
import { KilnError } from "./program/error.ts";
import type { Program, ProgramUniform } from "./program/schema.ts";

export type UniformName = ProgramUniform["name"];
export type UniformValues = Partial<Record<UniformName, number>>;

/** One turn of the ring: what a submission uploads, and where its loss comes back. In use until the device is done. */
export interface Slot {
  /** Mapped for writing while the slot is free: uniforms, labels, pictures, one after another. */
  readonly staging: GPUBuffer;
  readonly loss: GPUBuffer;
}

/**
 * Labels, pictures and uniforms on their way to the device. They wait in memory of their own until a submission takes
 * them along, through the staging buffer of a free slot: as many submissions may be under way as there are slots.
 */
export class Uploads {
  readonly #uniforms: DataView;
  readonly #labels: Int32Array;
  readonly #pictures: Uint8Array;
  #labelsState: "none" | "new" | "uploaded" = "none";
  #picturesState: "none" | "new" | "uploaded" = "none";
  #pictureBytes = 0;
  readonly #slots: Slot[] = [];
  readonly #free: Slot[] = [];
  #waiting: ((slot: Slot) => void) | null = null;

  constructor(
    readonly program: Program,
    readonly buffers: SessionBuffers,
    readonly watch: DeviceWatch,
    slots: number,
  ) {
    const { uniforms, labels, pictures } = buffers;
    this.#uniforms = new DataView(new ArrayBuffer(uniforms.size));
    this.#labels = new Int32Array(labels.size / 4);
    this.#pictures = new Uint8Array(pictures?.size ?? 0);
    const bytes = uniforms.size + labels.size + this.#pictures.length;
    for (let i = 0; i < slots; i++)
      this.#slots.push({
        staging: buffers.createUpload(`upload ${i}`, bytes),
        loss: buffers.createReadback(`loss ${i}`, 4),
      });
  }

  /** Maps the staging buffers; call once, when the buffers are known to be good. */
  async start(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => this.release(slot, Promise.resolve())));
  }

  get hasLabels(): boolean {
    return this.#labelsState !== "none";
  }
  get hasPictures(): boolean {
    return this.#picturesState !== "none";
  }

  setUniform(name: UniformName, value: number): boolean {
    const index = this.program.uniforms.findIndex((uniform) => uniform.name === name);
    if (index < 0) return false;
    const offset = index * 4;
    switch (this.program.uniforms[index].type) {
      case "f32":
        this.#uniforms.setFloat32(offset, value, true);
        break;
      case "i32":
        this.#uniforms.setInt32(offset, value, true);
        break;
      case "u32":
        this.#uniforms.setUint32(offset, value, true);
        break;
    }
    return true;
  }

  setLabels(labels: ArrayLike<number>): void {
    const { batch, classes } = this.program.model;
    if (labels.length !== batch) throw new KilnError("usage", `${labels.length} labels for a batch of ${batch}`);
    for (let i = 0; i < batch; i++) {
      const label = labels[i];
      if (!Number.isInteger(label) || label < 0 || (classes !== null && label >= classes))
        throw new KilnError("data", `label ${i} of the batch is ${label}; 0 to ${(classes ?? Infinity) - 1} expected`);
    }
    this.#labels.set(labels);
    this.#labelsState = "new";
  }

  setPictures(bytes: Uint8Array, height: number, width: number): void {
    const [n, c] = this.program.input.shape;
    const wanted = n * height * width * c;
    if (bytes.length !== wanted)
      throw new KilnError(
        "usage",
        `${bytes.length} bytes of pictures; a batch of ${n} pictures of ${height} x ${width} with ${c} channels is ${wanted}`,
      );
    if (wanted > this.#pictures.length)
      throw new KilnError(
        "usage",
        this.buffers.pictures
          ? `pictures of ${height} x ${width} are larger than those that the session was made for`
          : "the session was made without pictures; give createSession their size",
      );
    this.#pictures.set(bytes);
    this.#pictureBytes = Math.ceil(wanted / 4) * 4; // copies are of whole words
    this.#picturesState = "new";
    this.setUniform("pictureHeight", height);
    this.setUniform("pictureWidth", width);
  }

  /** A free slot, its staging mapped; waits for one where all are in use. One caller at a time. */
  async acquire(): Promise<Slot> {
    const slot = this.#free.pop();
    if (slot) return slot;
    return this.watch.wait(
      new Promise<Slot>((resolve) => {
        this.#waiting = resolve;
      }),
    );
  }

  /** Records the copies of what is new into the command buffer. */
  flush(encoder: GPUCommandEncoder, slot: Slot): void {
    const { uniforms, labels, pictures } = this.buffers;
    const mapped = new Uint8Array(slot.staging.getMappedRange());
    mapped.set(new Uint8Array(this.#uniforms.buffer));
    encoder.copyBufferToBuffer(slot.staging, 0, uniforms, 0, uniforms.size);
    if (this.#labelsState === "new") {
      mapped.set(new Uint8Array(this.#labels.buffer), uniforms.size);
      encoder.copyBufferToBuffer(slot.staging, uniforms.size, labels, 0, labels.size);
      this.#labelsState = "uploaded";
    }
    if (this.#picturesState === "new") {
      const offset = uniforms.size + labels.size;
      mapped.set(this.#pictures.subarray(0, this.#pictureBytes), offset);
      encoder.copyBufferToBuffer(slot.staging, offset, pictures!, 0, this.#pictureBytes);
      this.#picturesState = "uploaded";
    }
    slot.staging.unmap();
  }

  /**
   * Resolves once the device is done with the slot's uploads, that is with the submission; the slot is free then. The
   * device is not asked before `ready`.
   */
  async release(slot: Slot, ready: Promise<void>, alsoAfter?: Promise<unknown>): Promise<void> {
    const mapped = ready.then(() => slot.staging.mapAsync(GPUMapMode.WRITE));
    await this.watch.wait(Promise.all([mapped, alsoAfter]));
    if (this.#waiting) {
      const resolve = this.#waiting;
      this.#waiting = null;
      resolve(slot);
    } else this.#free.push(slot);
  }
}
