import type { Device, LoadedProgram, Place, SessionMemory, SubmittedRun } from "./device.ts";
import { Inputs, type UniformValues } from "./inputs.ts";
import type { Profile } from "./profile.ts";
import { KilnError } from "./program/error.ts";
import { initialValues } from "./program/initialize.ts";
import { elementCount, toLogical, toPhysical } from "./program/layout.ts";
import { parseSafetensors } from "./program/safetensors.ts";
import {
  type Artifact,
  type EntryName,
  isCopy,
  type Program,
  type ProgramBuffer,
  type ProgramEntry,
  type ProgramState,
} from "./program/schema.ts";
import { matchWeights, type Weights } from "./weights.ts";

export interface SessionOptions {
  /** The entry points that will be run; memory and pipelines are made for these. */
  readonly entries: readonly EntryName[];
  /** Of the initial parameters and of dropout: a u32, 1 where not given. */
  readonly seed?: number;
  /** Initial state instead of a drawn one; where not given, the artifact's own weights, if it has any. */
  readonly weights?: Weights;
  /** Size of the largest pictures that will be written; without it the session takes no pictures. */
  readonly pictures?: { readonly height: number; readonly width: number };
  /** How many submissions may be under way at once: 2 (where not given) or 3. */
  readonly inFlight?: 2 | 3;
}

export interface RunOptions {
  /** Fill the input "input" from the pictures last written, on the device; otherwise from `writeInput`. */
  readonly pictures?: boolean;
}

/** A step handed to the device. */
export interface SubmittedStep {
  /** The loss before the step's update, once the device is done. Rejects with KilnError. */
  readonly loss: Promise<number>;
}

/**
 * Puts an artifact on a device: allocates everything, builds the pipelines, sets the state. Running it creates nothing
 * more. In Node, get the device from `openDevice` ("kiln/node").
 *
 * Throws KilnError: "adapter" where the device lacks something that the program was compiled for, "out-of-memory",
 * "validation" with kernel, file and line, "artifact" where weights do not fit, "usage" for an entry that is not there.
 */
export async function createSession(device: Device, artifact: Artifact, options: SessionOptions): Promise<Session> {
  const { program } = artifact;
  const { entries, pictures, seed = 1 } = options;
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    throw new KilnError("usage", `the seed is ${seed}; an integer from 0 to ${0xffffffff} expected`);
  for (const name of entries)
    if (!program.entries[name])
      throw new KilnError(
        "usage",
        `${program.model.name} has no entry point ${name}; it has ${Object.keys(program.entries).join(", ")} ` +
          `(compiled in ${program.model.mode} mode)`,
      );
  const [batch, channels] = program.input.shape;
  const pictureBytes = pictures ? batch * pictures.height * pictures.width * channels : 0;

  const loaded = await device.load(artifact, { entries, pictureBytes, inFlight: options.inFlight ?? 2 });
  try {
    const session = new Session(device, artifact, loaded, entries, new Inputs(program, pictureBytes));
    session.setUniforms({ seed, step: 1 });
    const given =
      options.weights ?? (artifact.weights && parseSafetensors(artifact.weights, "weights.safetensors").tensors);
    await session.initialize(seed, given);
    return session;
  } catch (error) {
    loaded.destroy();
    throw error;
  }
}

/** A program on a device: its state, and its entry points ready to run. Made by `createSession`. */
export class Session {
  readonly program: Program;
  #lrGiven = false;
  #last: EntryName | null = null;
  /** Operations take turns: a read never sees half of a step. */
  #turn: Promise<unknown> = Promise.resolve();
  #unflushed = 0;

  /** Use `createSession`. */
  constructor(
    readonly device: Device,
    readonly artifact: Artifact,
    private readonly loaded: LoadedProgram,
    private readonly entries: readonly EntryName[],
    private readonly inputs: Inputs,
  ) {
    this.program = artifact.program;
  }

  /** What was allocated on the device, measured on its buffers. */
  get memory(): SessionMemory {
    return this.loaded.memory;
  }

  /** Pictures a step. */
  get batch(): number {
    return this.program.model.batch;
  }

  // ---------------------------------------------------------------- what goes in

  /** Sets numbers that all kernels see, from the next run on: lr, momentum, weightDecay, seed, step (from 1). */
  setUniforms(values: UniformValues): void {
    this.#writable();
    for (const [name, value] of Object.entries(values) as [keyof UniformValues, number][]) {
      const { optimizer } = this.program.model;
      const known = this.inputs.setUniform(name, value) && !(name === "momentum" && optimizer?.velocity === false);
      if (!known && value !== 0 && name !== "seed" && name !== "step")
        throw new KilnError(
          "usage",
          `${name} is ${value}, but ${this.program.model.name} was compiled without it; compile it again with it`,
        );
      if (name === "lr") this.#lrGiven = true;
    }
  }

  /** Labels of the batch, one a picture, for the runs to come. Throws KilnError where one is out of range. */
  writeLabels(labels: ArrayLike<number>): void {
    this.#writable();
    this.inputs.setLabels(labels);
  }

  /** A batch of pictures for the runs to come: bytes [N, height, width, channels]. They are copied. */
  writePictures(bytes: Uint8Array, height: number, width: number): void {
    this.#writable();
    this.inputs.setPictures(bytes, height, width);
  }

  /** An input for the runs of `entry` to come ("input", "cotangent", "grad.<parameter>"): row-major, NCHW. */
  writeInput(entry: EntryName, name: string, values: Float32Array): void {
    this.#writable();
    const buffer = this.#bufferOf(entry, "inputs", name);
    if (values.length !== elementCount(buffer.shape))
      throw new KilnError("usage", `${values.length} values for the input ${name} [${buffer.shape.join(", ")}]`);
    this.inputs.setTensor(entry, name, toPhysical(values, buffer.shape, buffer.layout).slice());
  }

  // ---------------------------------------------------------------- running

  /** Runs an entry point and waits until the device is done; outputs can be read until another entry runs. */
  async run(entry: EntryName, options: RunOptions = {}): Promise<void> {
    const { done } = await this.#submit(entry, options);
    await done;
  }

  /**
   * Hands one training step to the device, from the pictures, labels and uniforms last written, as one submission.
   * Resolves when it is under way, which is at once while fewer than `inFlight` are; only then may the next batch be
   * written. `step` counts from 1 over the whole training: dropout draws from it.
   */
  async submitStep({ step, ...options }: RunOptions & { step: number }): Promise<SubmittedStep> {
    this.setUniforms({ step });
    const { done, loss } = await this.#submit("step", options);
    return { loss: hushed(done.then(loss)) };
  }

  /** Time of every dispatch of an entry point: the least of `repeats` runs. They really run: a step changes the state. */
  async profile(entry: EntryName, options: RunOptions & { repeats?: number } = {}): Promise<Profile> {
    await this.run(entry, options); // uploads what is new, and lets the driver finish compiling
    return this.#exclusive(() => this.loaded.profile(this.#request(entry, options), options.repeats ?? 3));
  }

  #request(entry: EntryName, { pictures = false }: RunOptions) {
    return { entry, pictures, inputs: this.inputs };
  }

  async #submit(entry: EntryName, options: RunOptions): Promise<SubmittedRun> {
    this.#requireFed(entry, options);
    this.#unflushed++;
    return this.#exclusive(async () => {
      try {
        const { done, loss } = await this.loaded.submit(this.#request(entry, options));
        this.#last = entry;
        return { done: hushed(done), loss };
      } finally {
        this.#unflushed--;
      }
    });
  }

  /** Throws KilnError where a run would compute from something never written. */
  #requireFed(entry: EntryName, options: RunOptions): void {
    this.loaded.check();
    const e = this.#entry(entry);
    const missing: string[] = [];
    if (options.pictures && e.pictures.length === 0) missing.push("kernels that take pictures (compile them in)");
    if (options.pictures && !this.inputs.hasPictures) missing.push("pictures (writePictures)");
    for (const name of Object.keys(e.inputs))
      if (!(name === "input" && options.pictures) && !this.inputs.tensor(entry, name))
        missing.push(`the input ${name} (writeInput)`);
    const binds = (kind: string) => e.dispatches.some((d) => !isCopy(d) && d.bindings.some((b) => b.kind === kind));
    if (binds("labels") && !this.inputs.hasLabels) missing.push("labels (writeLabels)");
    const updates = entry === "step" || entry === "update";
    if (updates && !this.#lrGiven && this.program.uniforms.some((u) => u.name === "lr"))
      missing.push("the learning rate (setUniforms({ lr }))");
    if (missing.length > 0) throw new KilnError("usage", `${entry} cannot run without ${missing.join(", ")}`);
  }

  // ---------------------------------------------------------------- what comes out

  /** An output of the entry that ran last ("output", "loss", "grad.<parameter>"): row-major, NCHW. */
  async readOutput(entry: EntryName, name: string): Promise<Float32Array> {
    const buffer = this.#bufferOf(entry, "outputs", name);
    return this.#exclusive(async () => {
      if (this.#last !== entry)
        throw new KilnError(
          "usage",
          `${entry} is not what ran last (${this.#last ?? "nothing ran"}): run it, then read`,
        );
      return this.#read({ kind: "buffer", entry, buffer }, buffer);
    });
  }

  /** Shape of an output. */
  outputShape(entry: EntryName, name: string): readonly number[] {
    return this.#bufferOf(entry, "outputs", name).shape;
  }

  /** A state tensor, row-major in its logical shape. */
  async readState(name: string): Promise<Float32Array> {
    return this.#exclusive(() => this.#readState(this.#state(name)));
  }

  /** The whole state by name, as it is after all submitted steps. */
  async readStates(): Promise<Map<string, Float32Array>> {
    return this.#exclusive(async () => {
      const values = new Map<string, Float32Array>();
      for (const state of this.program.state) values.set(state.name, await this.#readState(state));
      return values;
    });
  }

  /** Sets a state tensor, row-major in its logical shape. */
  async writeState(name: string, values: Float32Array): Promise<void> {
    const { shape, layout } = this.#state(name);
    if (values.length !== elementCount(shape))
      throw new KilnError("usage", `${values.length} values for ${name} [${shape.join(", ")}]`);
    const physical = toPhysical(values, shape, layout);
    await this.#exclusive(() => this.loaded.write({ kind: "state", name }, physical));
  }

  /** Sets several state tensors. */
  async writeStates(values: Iterable<readonly [string, Float32Array]>): Promise<void> {
    for (const [name, data] of values) await this.writeState(name, data);
  }

  /** Sets the whole state: from `weights` where they have it, else drawn from `seed`. */
  async initialize(seed: number, weights?: Weights): Promise<void> {
    const given = weights && matchWeights(this.program, weights);
    let ordinal = 0;
    for (const state of this.program.state) {
      const values = given?.get(state.name) ?? initialValues(state, seed, ordinal);
      await this.writeState(state.name, values);
      if (state.role === "parameter") ordinal++;
    }
  }

  /** Frees everything on the device. The device itself stays. */
  destroy(): void {
    this.loaded.destroy();
  }

  // ---------------------------------------------------------------- names

  #entry(name: EntryName): ProgramEntry {
    if (!this.entries.includes(name))
      throw new KilnError("usage", `the session was not made for the entry point ${name}`);
    return this.program.entries[name]!;
  }

  #state(name: string): ProgramState {
    const state = this.program.state.find((s) => s.name === name);
    if (!state) throw new KilnError("usage", `${this.program.model.name} has no state named ${name}`);
    return state;
  }

  #bufferOf(entry: EntryName, side: "inputs" | "outputs", name: string): ProgramBuffer {
    const e = this.#entry(entry);
    const buffer = e.buffers.find((b) => b.name === e[side][name]);
    if (!buffer) {
      const names = Object.keys(e[side]).join(", ") || "none";
      throw new KilnError("usage", `${entry} has no ${side.slice(0, -1)} named ${name}; it has ${names}`);
    }
    if (buffer.type !== "f32") throw new KilnError("usage", `${name} holds ${buffer.type}, not f32`);
    return buffer;
  }

  async #readState(state: ProgramState): Promise<Float32Array> {
    return this.#read({ kind: "state", name: state.name }, state);
  }

  async #read(
    place: Place,
    { shape, layout }: { shape: readonly number[]; layout: readonly number[] },
  ): Promise<Float32Array> {
    const read = await this.loaded.read(place, elementCount(shape) * 4);
    return toLogical(new Float32Array(read), shape, layout);
  }

  #exclusive<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Throws where a submission still waits to take what was written before: writing now would change it. */
  #writable(): void {
    if (this.#unflushed > 0)
      throw new KilnError("usage", "a submission still waits to take its data: await it before writing the next");
  }
}

/** Marks a promise as handled: who holds it may await it later, or never. */
function hushed<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
