import type { LoadOptions, Place, SessionMemory } from "../device.ts";
import { formatBytes, KilnError } from "../program/error.ts";
import { elementCount } from "../program/layout.ts";
import { type EntryName, isCopy, type Program, type ProgramBinding, type ProgramDispatch } from "../program/schema.ts";
import { control, record } from "./worker.ts";

const pageBytes = 65536;
/** Everything begins at a multiple of this, so that nothing shares a line of the cache by accident. */
const alignment = 256;
/** Pieces that each thread takes of a dispatch: enough that none waits long for the others, few enough to cost nothing. */
const chunksPerThread = 16;

/** A list of dispatches in memory. */
export interface DispatchTable {
  readonly address: number;
  readonly dispatches: readonly ProgramDispatch[];
}

/** One memory that holds all of a program: control block, tables, inputs, state, the arena, and what threads need. */
export class WasmMemory {
  readonly memory: WebAssembly.Memory;
  readonly words: Int32Array;
  readonly floats: Float32Array;
  readonly bytes: Uint8Array;
  readonly uniforms: number;
  readonly labels: number;
  readonly pictures: number;
  /** Where thread 0 leaves times. */
  readonly times: number;
  /** By thread. */
  readonly scratch: readonly number[];
  readonly sizes: SessionMemory;
  readonly #states = new Map<string, number>();
  readonly #arena: number;
  readonly #tables = new Map<EntryName, { readonly plain: DispatchTable; readonly pictures: DispatchTable }>();
  #top = control.words * 4;

  constructor(
    private readonly program: Program,
    { entries, pictureBytes }: LoadOptions,
    threads: number,
  ) {
    const { model, state, uniforms } = program;
    this.uniforms = this.#reserve(uniforms.length * 4);
    this.labels = this.#reserve(model.batch * 4);
    this.pictures = this.#reserve(pictureBytes);
    const inputs = this.#top;
    for (const { name, shape } of state) this.#states.set(name, this.#reserve(elementCount(shape) * 4));
    const states = this.#top - inputs;
    // One entry point runs at a time, and none expects anything in its arena but what it is given.
    const arenaBytes = Math.max(...entries.map((name) => sum(program.entries[name]!.arenas)));
    this.#arena = this.#reserve(arenaBytes);

    // Tables are written once there is memory to write to.
    const writes: (() => void)[] = [];
    let most = 0;
    for (const name of entries) {
      const entry = program.entries[name]!;
      const dispatches = entry.dispatches.map((step) => {
        if (isCopy(step)) throw new KilnError("artifact", `${name} copies ${step.texture} into a texture`);
        return step;
      });
      const table = (list: readonly ProgramDispatch[]): DispatchTable => {
        most = Math.max(most, list.length);
        const address = this.#reserve(list.length * record.words * 4);
        list.forEach((dispatch, i) => {
          const bindings = this.#reserve(dispatch.bindings.length * 4);
          writes.push(() => this.#writeDispatch(name, address / 4 + i * record.words, dispatch, bindings, threads));
        });
        return { address, dispatches: list };
      };
      this.#tables.set(name, {
        plain: table(dispatches),
        pictures: pictureBytes > 0 ? table([...entry.pictures, ...dispatches]) : { address: 0, dispatches: [] },
      });
    }
    this.times = this.#reserve((most + 1) * 8);
    const scratchBytes = program.target.limits.maxComputeWorkgroupStorageSize;
    this.scratch = Array.from({ length: threads }, () => this.#reserve(scratchBytes));

    this.sizes = {
      arenaBytes,
      persistentBytes: states,
      inputBytes: inputs,
      stagingBytes: 0,
      totalBytes: this.#top,
    };
    this.memory = allocate(program, this.#top, arenaBytes, states);
    this.words = new Int32Array(this.memory.buffer);
    this.floats = new Float32Array(this.memory.buffer);
    this.bytes = new Uint8Array(this.memory.buffer);
    for (const write of writes) write();
  }

  table(entry: EntryName, pictures: boolean): DispatchTable {
    return this.#tables.get(entry)![pictures ? "pictures" : "plain"];
  }

  /** Where a tensor begins. */
  address(place: Place): number {
    return place.kind === "state" ? this.#state(place.name) : this.#arena + place.buffer.offset;
  }

  #state(name: string): number {
    const address = this.#states.get(name);
    if (address === undefined) throw new KilnError("usage", `the program has no state named ${name}`);
    return address;
  }

  #reserve(bytes: number): number {
    const at = Math.ceil(this.#top / alignment) * alignment;
    this.#top = at + bytes;
    return at;
  }

  #writeDispatch(entry: EntryName, at: number, dispatch: ProgramDispatch, bindings: number, threads: number): void {
    const [x, y, z] = dispatch.workgroups;
    const workgroups = x * y * z;
    this.words[at + record.kernel] = dispatch.kernel;
    this.words[at + record.bindings] = bindings;
    this.words[at + record.workgroups] = workgroups;
    this.words[at + record.chunk] = Math.max(1, Math.ceil(workgroups / (threads * chunksPerThread)));
    dispatch.bindings.forEach((binding, i) => {
      this.words[bindings / 4 + i] = this.#bound(entry, binding);
    });
  }

  #bound(entry: EntryName, binding: ProgramBinding): number {
    switch (binding.kind) {
      case "uniforms":
        return this.uniforms;
      case "labels":
        return this.labels;
      case "pictures":
        return this.pictures;
      case "state":
        return this.#state(binding.name);
      case "buffer": {
        const buffer = this.program.entries[entry]!.buffers.find((b) => b.name === binding.name)!;
        return this.#arena + buffer.offset;
      }
      case "texture":
        throw new KilnError("artifact", `${entry} reads ${binding.name} from a texture`);
    }
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Throws KilnError that says what takes the memory. */
function allocate({ model, state }: Program, bytes: number, arenaBytes: number, stateBytes: number) {
  const pages = Math.ceil(bytes / pageBytes);
  try {
    if (pages > 65536) throw new RangeError("a WebAssembly memory has at most 4 GiB");
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    const largest = [...state].sort((a, b) => elementCount(b.shape) - elementCount(a.shape))[0];
    const parameter = largest
      ? `, the largest of it ${largest.name} with ${formatBytes(elementCount(largest.shape) * 4)}`
      : "";
    throw new KilnError(
      "out-of-memory",
      `${model.name} with a batch of ${model.batch} takes ${formatBytes(bytes)} of WebAssembly memory: ` +
        `${formatBytes(arenaBytes)} for its arena, ${formatBytes(stateBytes)} for its state${parameter}. ` +
        `The engine does not give it: ${(cause as Error).message}. Use a smaller batch.`,
      { cause },
    );
  }
}
