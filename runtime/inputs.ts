import { KilnError } from "./program/error.ts";
import type { EntryName, Program, ProgramUniform } from "./program/schema.ts";

export type UniformName = ProgramUniform["name"];
export type UniformValues = Partial<Record<UniformName, number>>;

/** What a run has to take to the device: uniforms always, labels and pictures where they are new. */
export interface NewInputs {
  readonly uniforms: Uint8Array;
  readonly labels: Uint8Array | null;
  /** Whole words. */
  readonly pictures: Uint8Array | null;
}

/** Memory that a run's inputs are kept in while the next are written. */
export class InputSlot {
  readonly #uniforms: Uint8Array;
  readonly #labels: Uint8Array;
  readonly #pictures: Uint8Array;
  #pictureBytes = 0;
  #hasLabels = false;

  constructor({ uniforms, model }: Program, pictureBytes: number) {
    this.#uniforms = new Uint8Array(uniforms.length * 4);
    this.#labels = new Uint8Array(model.batch * 4);
    this.#pictures = new Uint8Array(Math.ceil(pictureBytes / 4) * 4);
  }

  fill({ uniforms, labels, pictures }: NewInputs): void {
    this.#uniforms.set(uniforms);
    this.#hasLabels = labels !== null;
    if (labels) this.#labels.set(labels);
    this.#pictureBytes = pictures?.length ?? 0;
    if (pictures) this.#pictures.set(pictures);
  }

  get inputs(): NewInputs {
    return {
      uniforms: this.#uniforms,
      labels: this.#hasLabels ? this.#labels : null,
      pictures: this.#pictureBytes > 0 ? this.#pictures.subarray(0, this.#pictureBytes) : null,
    };
  }
}

/** Uniforms, labels, pictures and inputs of the runs to come, in memory of their own until a run takes them along. */
export class Inputs {
  readonly #uniforms: DataView;
  readonly #labels: Int32Array;
  readonly #pictures: Uint8Array;
  readonly #tensors = new Map<string, Float32Array>();
  #labelsState: "none" | "new" | "taken" = "none";
  #picturesState: "none" | "new" | "taken" = "none";
  #pictureBytes = 0;

  constructor(
    private readonly program: Program,
    /** Bytes of the largest batch of pictures; 0 where none may be written. */
    pictureBytes: number,
  ) {
    this.#uniforms = new DataView(new ArrayBuffer(program.uniforms.length * 4));
    this.#labels = new Int32Array(program.model.batch);
    this.#pictures = new Uint8Array(Math.ceil(pictureBytes / 4) * 4);
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
        this.#pictures.length > 0
          ? `pictures of ${height} x ${width} are larger than those that the session was made for`
          : "the session was made without pictures; give createSession their size",
      );
    this.#pictures.set(bytes);
    this.#pictureBytes = Math.ceil(wanted / 4) * 4; // copies are of whole words
    this.#picturesState = "new";
    this.setUniform("pictureHeight", height);
    this.setUniform("pictureWidth", width);
  }

  /** Sets an input of an entry point, in the order of its memory. */
  setTensor(entry: EntryName, name: string, values: Float32Array): void {
    this.#tensors.set(`${entry} ${name}`, values);
  }

  tensor(entry: EntryName, name: string): Float32Array | undefined {
    return this.#tensors.get(`${entry} ${name}`);
  }

  get uniforms(): Uint8Array {
    return new Uint8Array(this.#uniforms.buffer);
  }

  /** What a run takes along now. Valid until something is set again. */
  take(): NewInputs {
    const [labels, pictures] = [this.#labelsState === "new", this.#picturesState === "new"];
    if (labels) this.#labelsState = "taken";
    if (pictures) this.#picturesState = "taken";
    return {
      uniforms: this.uniforms,
      labels: labels ? new Uint8Array(this.#labels.buffer) : null,
      pictures: pictures ? this.#pictures.subarray(0, this.#pictureBytes) : null,
    };
  }
}
