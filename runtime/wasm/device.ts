import type { Device, LoadOptions } from "../device.ts";
import { FailureWatch, lostError } from "../failure.ts";
import { KilnError } from "../program/error.ts";
import { type Artifact, isCopy, moduleFile, type Program, type ProgramKernel } from "../program/schema.ts";
import { engineFeatures } from "./features.ts";
import { WasmMemory } from "./memory.ts";
import { WasmProgram } from "./program.ts";
import { callingThread, type Spawn, startWorkers, type ThreadError, type Threads } from "./threads.ts";

export interface WasmDeviceOptions {
  /** For people. */
  readonly name: string;
  /** Threads that compute; one runs where it is called. */
  readonly threads: number;
  /** Starts a worker; null where memory cannot be shared with one. */
  readonly spawn: Spawn | null;
}

/** Runs programs compiled for the target "wasm" on the processor, with 128-bit SIMD. */
export class WasmDevice implements Device {
  readonly name: string;
  readonly threads: number;
  readonly #spawn: Spawn | null;
  readonly #loaded = new Set<() => void>();
  #lost: KilnError | null = null;

  constructor({ name, threads, spawn }: WasmDeviceOptions) {
    this.name = name;
    this.threads = spawn ? threads : 1;
    this.#spawn = spawn;
  }

  async load(artifact: Artifact, options: LoadOptions): Promise<WasmProgram> {
    if (this.#lost) throw this.#lost;
    const { program } = artifact;
    if (program.target.class !== "wasm")
      throw new KilnError(
        "adapter",
        `the program was compiled for ${program.target.name}, which WebAssembly does not run: compile the model for the target "wasm"`,
      );
    const lacks = program.target.features.filter((feature) => !engineFeatures().includes(feature));
    if (lacks.length > 0)
      throw new KilnError(
        "adapter",
        `the program was compiled for an engine with ${lacks.join(", ")}, which this one lacks: compile it for the target "wasm"`,
      );
    const watch = new FailureWatch();
    let threads: Threads | null = null;
    const stop = () => {
      this.#loaded.delete(lose);
      threads?.stop();
    };
    const lose = () => {
      watch.fail(lostError("it was destroyed"));
      stop();
    };
    this.#loaded.add(lose);
    const onFailure = (error: ThreadError) => {
      watch.fail(trapped(program, error));
      stop();
    };
    try {
      const modules = await watch.wait(compileKernels(artifact, options));
      const memory = new WasmMemory(program, options, this.threads);
      const starting = this.#spawn
        ? startWorkers(memory, modules, this.threads, this.#spawn, onFailure)
        : Promise.resolve(callingThread(memory, modules, onFailure));
      // One that is ready only after the device was lost must not stay.
      starting.then(
        (made) => {
          threads = made;
          if (!this.#loaded.has(lose)) made.stop();
        },
        () => {},
      );
      threads = await watch.wait(starting);
      return new WasmProgram(program, memory, threads, watch, options.inFlight, options.pictureBytes, stop);
    } catch (error) {
      stop();
      watch.check();
      throw error;
    }
  }

  destroy(): void {
    this.#lost ??= lostError("it was destroyed");
    for (const lose of [...this.#loaded]) lose();
  }
}

const describe = (kernel: ProgramKernel): string => {
  const from = kernel.sources.length > 0 ? `, made from ${kernel.sources.join(", ")}` : "";
  return `kernel ${kernel.name} (${kernel.file}${from})`;
};

const advice = "This is a fault of the compiler or of a changed artifact: compile the model again, or report it.";

function trapped(program: Program, { message, kernel }: ThreadError): KilnError {
  const what = kernel === undefined ? "a thread" : describe(program.kernels[kernel]);
  return new KilnError("validation", `${what} failed: ${message}\n${advice}`);
}

/** A module for every kernel of the program, by its index; those of entry points that will not run are left empty. */
async function compileKernels({ program, modules }: Artifact, { entries, pictureBytes }: LoadOptions) {
  const used = new Set(
    entries.flatMap((name) => {
      const { dispatches, pictures } = program.entries[name]!;
      return [...(pictureBytes > 0 ? pictures : []), ...dispatches].flatMap((s) => (isCopy(s) ? [] : [s.kernel]));
    }),
  );
  const compiled = new Map<string, Promise<WebAssembly.Module>>();
  const empty = await WebAssembly.compile(emptyModule);
  return Promise.all(
    program.kernels.map((kernel, i) => {
      if (!used.has(i)) return empty;
      let module = compiled.get(kernel.file);
      if (!module) {
        module = compileKernel(kernel, modules?.[moduleFile(kernel.file)]);
        compiled.set(kernel.file, module);
      }
      return module;
    }),
  );
}

/** The header alone. */
const emptyModule = new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);

async function compileKernel(kernel: ProgramKernel, bytes: Uint8Array | undefined): Promise<WebAssembly.Module> {
  if (!bytes)
    throw new KilnError(
      "artifact",
      `${moduleFile(kernel.file)} is missing, ${describe(kernel)} assembled: \`assemble\` of kiln/compiler makes it`,
    );
  try {
    return await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
  } catch (cause) {
    throw new KilnError(
      "validation",
      `${describe(kernel)}: the engine refuses it: ${(cause as Error).message}\n${advice}`,
      { cause },
    );
  }
}
