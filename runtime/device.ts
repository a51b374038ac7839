/** What a session needs of a device, whichever it is: WebGPU's in runtime/webgpu, WebAssembly's in runtime/wasm. */
import type { Inputs } from "./inputs.ts";
import type { Profile } from "./profile.ts";
import type { Artifact, EntryName, ProgramBuffer } from "./program/schema.ts";

/** Where programs run. */
export interface Device {
  /** For people: what the driver or the engine calls it. */
  readonly name: string;
  /**
   * Allocates a program's memory and builds its kernels. Running it creates nothing more. Throws KilnError: "adapter" where
   * the device lacks something that the program was compiled for, "out-of-memory", "validation" with the kernel.
   */
  load(artifact: Artifact, options: LoadOptions): Promise<LoadedProgram>;
  /** Ends it, and what runs on it. */
  destroy(): void;
}

export interface LoadOptions {
  /** The entry points that will run. */
  readonly entries: readonly EntryName[];
  /** Bytes of the largest batch of pictures; 0 where none will be written. */
  readonly pictureBytes: number;
  /** How many submissions may be under way at once. */
  readonly inFlight: number;
}

/** What a program takes on its device, in bytes. */
export interface SessionMemory {
  /** The arena of the entry points and their textures: shared by them, so as large as the largest. */
  readonly arenaBytes: number;
  /** Parameters, velocities, statistics. */
  readonly persistentBytes: number;
  /** Pictures, labels and uniforms on the device. */
  readonly inputBytes: number;
  /** Staging buffers for uploads and for reading back. */
  readonly stagingBytes: number;
  readonly totalBytes: number;
}

/** A tensor of a program in a device's memory: a state by name, or a buffer of an entry point. */
export type Place =
  | { readonly kind: "state"; readonly name: string }
  | { readonly kind: "buffer"; readonly entry: EntryName; readonly buffer: ProgramBuffer };

export interface RunRequest {
  readonly entry: EntryName;
  /** Fill the input "input" from the pictures last written. */
  readonly pictures: boolean;
  readonly inputs: Inputs;
}

/** A run handed to the device. */
export interface SubmittedRun {
  /** Resolves when the device is done; rejects with KilnError. */
  readonly done: Promise<void>;
  /** The output "loss", once it is done. */
  readonly loss: () => number;
}

/** A program on a device. One call at a time, except where said. */
export interface LoadedProgram {
  readonly memory: SessionMemory;
  /** Throws what the device failed with, if it did. At any time. */
  check(): void;
  /** Hands a run to the device, with what is new of its inputs; waits while too many are under way. */
  submit(run: RunRequest): Promise<SubmittedRun>;
  /** The first `bytes` of a tensor, after all that was submitted. */
  read(place: Place, bytes: number): Promise<ArrayBuffer>;
  /** Sets a tensor from its beginning, after all that was submitted. */
  write(place: Place, values: Float32Array): Promise<void>;
  /** Time of every dispatch of a run: the least of `repeats`. They really run. `expectedMs` is about how long a run takes,
   * 0 where not known. */
  profile(run: RunRequest, repeats: number, expectedMs?: number): Promise<Profile>;
  /** Frees what the program has on the device. At any time. */
  destroy(): void;
}
