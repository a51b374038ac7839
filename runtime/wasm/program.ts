import type { LoadedProgram, Place, RunRequest, SessionMemory, SubmittedRun } from "../device.ts";
import type { FailureWatch } from "../failure.ts";
import { InputSlot, type NewInputs } from "../inputs.ts";
import { fastest, leastTimes, type Profile, type Span } from "../profile.ts";
import type { Program } from "../program/schema.ts";
import type { WasmMemory } from "./memory.ts";
import type { Threads } from "./threads.ts";

/** A program in WebAssembly. Runs follow each other; as many as asked for may wait with their inputs. */
export class WasmProgram implements LoadedProgram {
  /** The last of what runs and waits. */
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #room: (() => void) | null = null;
  /** One a run that waits, in turn. */
  readonly #slots: readonly InputSlot[];
  #submitted = 0;

  constructor(
    private readonly program: Program,
    private readonly wasm: WasmMemory,
    private readonly threads: Threads,
    private readonly watch: FailureWatch,
    private readonly inFlight: number,
    pictureBytes: number,
    private readonly onDestroy: () => void,
  ) {
    this.#slots = Array.from({ length: inFlight }, () => new InputSlot(program, pictureBytes));
  }

  get memory(): SessionMemory {
    return this.wasm.sizes;
  }

  check(): void {
    this.watch.check();
  }

  async submit(run: RunRequest): Promise<SubmittedRun> {
    this.check();
    while (this.#waiting >= this.inFlight)
      await this.watch.wait(
        new Promise<void>((resolve) => {
          this.#room = resolve;
        }),
      );
    this.#waiting++;
    const slot = this.#slots[this.#submitted++ % this.inFlight];
    slot.fill(run.inputs.take());
    const { entry } = run;
    const { buffers, outputs } = this.program.entries[entry]!;
    const lossBuffer = buffers.find((b) => b.name === outputs.loss);
    let value = Number.NaN;
    const done = this.#next(async () => {
      this.#write(run, slot.inputs);
      await this.threads.run(this.wasm.table(entry, run.pictures), false);
      if (lossBuffer) value = this.wasm.floats[this.wasm.address({ kind: "buffer", entry, buffer: lossBuffer }) >> 2];
    }).finally(() => {
      this.#waiting--;
      this.#room?.();
      this.#room = null;
    });
    return { done, loss: () => value };
  }

  read(place: Place, bytes: number): Promise<ArrayBuffer> {
    return this.#next(async () => {
      const address = this.wasm.address(place);
      return new Uint8Array(this.wasm.bytes.subarray(address, address + bytes)).buffer;
    });
  }

  write(place: Place, values: Float32Array): Promise<void> {
    return this.#next(async () => {
      this.wasm.floats.set(values, this.wasm.address(place) >> 2);
    });
  }

  profile(run: RunRequest, repeats: number): Promise<Profile> {
    return this.#next(async () => {
      this.#write(run, run.inputs.take());
      const table = this.wasm.table(run.entry, run.pictures);
      const { dispatches } = table;
      const clock = new Float64Array(this.wasm.memory.buffer, this.wasm.times, dispatches.length + 1);
      const runs: Span[][] = [];
      for (let i = 0; i < repeats; i++) {
        await this.threads.run(table, true);
        const nanoseconds = (from: number, to: number) => Math.round((clock[to] - clock[from]) * 1e6);
        runs.push(dispatches.map((_, d) => ({ start: nanoseconds(0, d), nanoseconds: nanoseconds(d, d + 1) })));
      }
      const least = leastTimes(runs);
      return {
        clock: "threads",
        dispatches: dispatches.map(({ kernel, workgroups }, d) => ({
          kernel: this.program.kernels[kernel].name,
          workgroups,
          nanoseconds: least[d],
        })),
        totalNanoseconds: least.reduce((a, b) => a + b, 0),
        fastestRun: fastest(runs),
      };
    });
  }

  destroy(): void {
    this.onDestroy();
  }

  #next<T>(act: () => Promise<T>): Promise<T> {
    const result = this.watch.wait(
      this.#turn.then(() => {
        this.check();
        return act();
      }),
    );
    this.#turn = result.catch(() => {});
    return result;
  }

  #write({ entry, pictures, inputs }: RunRequest, taken: NewInputs): void {
    const { bytes, floats } = this.wasm;
    bytes.set(taken.uniforms, this.wasm.uniforms);
    if (taken.labels) bytes.set(taken.labels, this.wasm.labels);
    if (taken.pictures) bytes.set(taken.pictures, this.wasm.pictures);
    const { buffers, inputs: names } = this.program.entries[entry]!;
    for (const [name, bufferName] of Object.entries(names)) {
      if (name === "input" && pictures) continue;
      const buffer = buffers.find((b) => b.name === bufferName)!;
      floats.set(inputs.tensor(entry, name)!, this.wasm.address({ kind: "buffer", entry, buffer }) >> 2);
    }
  }
}
