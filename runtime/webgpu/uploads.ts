import type { NewInputs } from "../inputs.ts";
import type { SessionBuffers } from "./buffers.ts";
import type { DeviceWatch } from "./device.ts";

/** One turn of the ring: what a submission uploads, and where its loss comes back. In use until the device is done. */
export interface Slot {
  /** Mapped for writing while the slot is free: uniforms, labels, pictures, one after another. */
  readonly staging: GPUBuffer;
  readonly loss: GPUBuffer;
}

/** Staging buffers for what runs upload: as many submissions may be under way as there are slots. */
export class Uploads {
  readonly #slots: Slot[] = [];
  readonly #free: Slot[] = [];
  #waiting: ((slot: Slot) => void) | null = null;

  constructor(
    readonly buffers: SessionBuffers,
    readonly watch: DeviceWatch,
    slots: number,
  ) {
    const { uniforms, labels, pictures } = buffers;
    const bytes = uniforms.size + labels.size + (pictures?.size ?? 0);
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
  flush(encoder: GPUCommandEncoder, slot: Slot, inputs: NewInputs): void {
    const { uniforms, labels, pictures } = this.buffers;
    const mapped = new Uint8Array(slot.staging.getMappedRange());
    mapped.set(inputs.uniforms);
    encoder.copyBufferToBuffer(slot.staging, 0, uniforms, 0, uniforms.size);
    if (inputs.labels) {
      mapped.set(inputs.labels, uniforms.size);
      encoder.copyBufferToBuffer(slot.staging, uniforms.size, labels, 0, labels.size);
    }
    if (inputs.pictures) {
      const offset = uniforms.size + labels.size;
      mapped.set(inputs.pictures, offset);
      encoder.copyBufferToBuffer(slot.staging, offset, pictures!, 0, inputs.pictures.length);
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
