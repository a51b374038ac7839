import { type Clock, fastest, leastTimes, type Profile, type Span } from "../profile.ts";
import { type Command, recordCommands, recordTimed } from "./commands.ts";
import { type DeviceWatch, scoped } from "./device.ts";

/** The clock that a device has. */
export const clockOf = (device: GPUDevice): Clock =>
  device.features.has("timestamp-query") ? "timestamps" : "submits";

/** WebGPU's bound is 4096 queries a set, two a dispatch. */
const dispatchesPerSet = 2048;

/** Runs `commands` `repeats` times, some `expectedMs` each where that is not 0, every dispatch in a pass of its own, and keeps each one's least time. */
export async function profileCommands(
  device: GPUDevice,
  watch: DeviceWatch,
  commands: readonly Command[],
  repeats: number,
  expectedMs: number,
): Promise<Profile> {
  const least: number[] = [];
  let fastestRun: readonly Span[] | null = null;
  const software = device.adapterInfo.isFallbackAdapter;
  // Waiting takes a core from a software driver (see Pace), unless it is known how long not to ask: one run to find out.
  const runs = software && expectedMs === 0 ? repeats + 1 : repeats;
  for (let from = 0; from < commands.length; from += dispatchesPerSet) {
    let patience = software ? expectedMs : 0;
    const timed: Span[][] = [];
    for (let run = 0; run < runs; run++) {
      const spans = await timeCommands(device, watch, commands.slice(from, from + dispatchesPerSet), patience);
      timed.push(spans);
      // Asking too late costs time, but timestamps do not mind.
      if (software) patience = (1.1 * spans.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0)) / 1e6;
    }
    least.push(...leastTimes(timed));
    if (commands.length <= dispatchesPerSet) fastestRun = fastest(timed);
  }
  return {
    clock: clockOf(device),
    dispatches: commands.map(({ kernel, workgroups }, i) => ({ kernel, workgroups, nanoseconds: least[i] })),
    totalNanoseconds: least.reduce((a, b) => a + b, 0),
    fastestRun: clockOf(device) === "timestamps" ? fastestRun : null,
  };
}

/**
 * When each command ran, all once in their order; at most 2048 of them. By submits, a run begins anew with each. Nobody asks for `patience` milliseconds
 * whether the device is done.
 */
const timeCommands = (
  device: GPUDevice,
  watch: DeviceWatch,
  commands: readonly Command[],
  patience: number,
): Promise<Span[]> =>
  clockOf(device) === "timestamps"
    ? measureByTimestamps(device, watch, commands, patience)
    : measureBySubmits(device, watch, commands);

async function measureByTimestamps(
  device: GPUDevice,
  watch: DeviceWatch,
  commands: readonly Command[],
  patience: number,
): Promise<Span[]> {
  const count = commands.length * 2;
  const bytes = count * 8;
  const querySet = device.createQuerySet({ type: "timestamp", count });
  const resolved = device.createBuffer({ size: bytes, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
  const mapped = device.createBuffer({ size: bytes, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  try {
    const { checked } = scoped(device, "profiling", () => {
      const encoder = device.createCommandEncoder();
      commands.forEach((command, i) => {
        recordTimed(encoder, command, querySet, 2 * i);
      });
      encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, mapped, 0, bytes);
      device.queue.submit([encoder.finish()]);
    });
    await watch.wait(checked);
    if (patience > 0) await new Promise((resolve) => setTimeout(resolve, patience));
    await watch.wait(mapped.mapAsync(GPUMapMode.READ));
    const times = new BigUint64Array(mapped.getMappedRange());
    return commands.map((_, i) => ({
      start: Number(times[2 * i] - times[0]),
      nanoseconds: Number(times[2 * i + 1] - times[2 * i]),
    }));
  } finally {
    querySet.destroy();
    resolved.destroy();
    mapped.destroy();
  }
}

async function measureBySubmits(device: GPUDevice, watch: DeviceWatch, commands: readonly Command[]): Promise<Span[]> {
  const spans: Span[] = [];
  for (const command of commands) {
    const encoder = device.createCommandEncoder();
    recordCommands(encoder, [command]);
    const commandBuffer = encoder.finish();
    await watch.wait(device.queue.onSubmittedWorkDone());
    const start = performance.now();
    device.queue.submit([commandBuffer]);
    await watch.wait(device.queue.onSubmittedWorkDone());
    spans.push({ start: 0, nanoseconds: (performance.now() - start) * 1e6 });
  }
  return spans;
}
