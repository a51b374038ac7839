import type { LoadedProgram, LoadOptions, Place, RunRequest, SessionMemory, SubmittedRun } from "../device.ts";
import type { Profile } from "../profile.ts";
import { type Artifact, type EntryName, isCopy, type Program } from "../program/schema.ts";
import { SessionBuffers, type Slice } from "./buffers.ts";
import { type Command, type Commands, prepareCommands, recordCommands, splitByOperations } from "./commands.ts";
import { DeviceWatch, scoped } from "./device.ts";
import { Pace } from "./pace.ts";
import { buildPipelines } from "./pipelines.ts";
import { profileCommands } from "./profile.ts";
import { readSlice, writeSlice } from "./readback.ts";
import { Uploads } from "./uploads.ts";

/** Most operations in one submit on a real GPU: well under the second or two that drivers grant, also for a slow one. */
const operationsPerSubmit = 5e10;

/** Puts a program on a WebGPU device: buffers, pipelines, bind groups. Throws KilnError. */
export async function loadProgram(device: GPUDevice, artifact: Artifact, options: LoadOptions): Promise<GpuProgram> {
  const { program } = artifact;
  const { entries, pictureBytes, inFlight } = options;
  const watch = new DeviceWatch(device);
  let buffers: SessionBuffers | undefined;
  try {
    buffers = new SessionBuffers(device, program, entries, pictureBytes);
    const uploads = new Uploads(buffers, watch, inFlight);
    await watch.wait(buffers.checked());
    const dispatches = entries.flatMap((name) => {
      const entry = program.entries[name]!;
      return pictureBytes > 0 ? [...entry.pictures, ...entry.dispatches] : entry.dispatches;
    });
    const kernels = dispatches.flatMap((step) => (isCopy(step) ? [] : [step.kernel]));
    const [pipelines] = await watch.wait(Promise.all([buildPipelines(device, artifact, kernels), uploads.start()]));
    const commands = new Map<EntryName, Commands>();
    for (const name of entries) {
      const { result, checked } = scoped(device, `binding the buffers of ${name}`, () =>
        prepareCommands(device, program, program.entries[name]!, pipelines, buffers!),
      );
      await watch.wait(checked);
      commands.set(name, result);
    }
    return new GpuProgram(device, program, watch, buffers, uploads, commands);
  } catch (error) {
    watch.stop();
    buffers?.destroy();
    throw error;
  }
}

/** A program on a WebGPU device. */
export class GpuProgram implements LoadedProgram {
  readonly #pace: Pace;

  constructor(
    private readonly device: GPUDevice,
    private readonly program: Program,
    private readonly watch: DeviceWatch,
    private readonly buffers: SessionBuffers,
    private readonly uploads: Uploads,
    private readonly commands: ReadonlyMap<EntryName, Commands>,
  ) {
    this.#pace = new Pace(device.adapterInfo.isFallbackAdapter);
  }

  get memory(): SessionMemory {
    return this.buffers.memory;
  }

  check(): void {
    this.watch.check();
  }

  async submit(run: RunRequest): Promise<SubmittedRun> {
    const slot = await this.uploads.acquire();
    this.check();
    const { entry } = run;
    const commands = this.#recorded(run);
    const loss = this.program.entries[entry]!.outputs.loss;
    const { checked } = scoped(this.device, `running ${entry}`, () => {
      this.#writeInputs(run);
      let encoder = this.device.createCommandEncoder({ label: entry });
      this.uploads.flush(encoder, slot, run.inputs.take());
      const parts = this.device.adapterInfo.isFallbackAdapter
        ? [commands] // a software adapter has no time limit
        : splitByOperations(commands, operationsPerSubmit);
      parts.forEach((part, i) => {
        recordCommands(encoder, part);
        const last = i === parts.length - 1;
        if (last && loss) {
          const buffer = this.program.entries[entry]!.buffers.find((b) => b.name === loss)!;
          const slice = this.#slice({ kind: "buffer", entry, buffer });
          encoder.copyBufferToBuffer(slice.buffer, slice.offset, slot.loss, 0, 4);
        }
        this.device.queue.submit([encoder.finish()]);
        if (!last) encoder = this.device.createCommandEncoder({ label: entry });
      });
    });
    let value = Number.NaN;
    const { ready, done: finished } = this.#pace.begin(run.pictures ? `${entry} from pictures` : entry);
    const read = async () => {
      await ready;
      await slot.loss.mapAsync(GPUMapMode.READ, 0, 4);
      value = new Float32Array(slot.loss.getMappedRange(0, 4))[0];
      slot.loss.unmap();
    };
    // What the error scopes say comes first: a submission that was refused leaves an old loss behind.
    const done = this.uploads.release(slot, ready, Promise.all([checked, loss ? read() : undefined])).finally(finished);
    return { done, loss: () => value };
  }

  async read(place: Place, bytes: number): Promise<ArrayBuffer> {
    return readSlice(this.device, this.watch, this.buffers.readback, this.#slice(place), bytes);
  }

  async write(place: Place, values: Float32Array): Promise<void> {
    await writeSlice(this.device, this.watch, this.#slice(place), values);
  }

  async profile(run: RunRequest, repeats: number, expectedMs = 0): Promise<Profile> {
    const { uniforms } = run.inputs;
    this.device.queue.writeBuffer(this.buffers.uniforms, 0, uniforms as Uint8Array<ArrayBuffer>);
    this.#writeInputs(run);
    return profileCommands(this.device, this.watch, this.#recorded(run), repeats, expectedMs);
  }

  /** Frees everything on the device. The device itself stays. */
  destroy(): void {
    this.watch.stop();
    this.buffers.destroy();
  }

  #recorded({ entry, pictures }: RunRequest): readonly Command[] {
    const commands = this.commands.get(entry)!;
    return pictures ? [...commands.pictures, ...commands.dispatches] : commands.dispatches;
  }

  #writeInputs({ entry, pictures, inputs }: RunRequest): void {
    const { buffers, inputs: names } = this.program.entries[entry]!;
    for (const [name, bufferName] of Object.entries(names)) {
      if (name === "input" && pictures) continue;
      const buffer = buffers.find((b) => b.name === bufferName)!;
      const slice = this.#slice({ kind: "buffer", entry, buffer });
      const values = inputs.tensor(entry, name)! as Float32Array<ArrayBuffer>;
      this.device.queue.writeBuffer(slice.buffer, slice.offset, values);
    }
  }

  #slice(place: Place): Slice {
    if (place.kind === "buffer") return this.buffers.slice(this.program.entries[place.entry]!, place.buffer);
    const buffer = this.buffers.state(place.name);
    return { buffer, offset: 0, size: buffer.size };
  }
}
