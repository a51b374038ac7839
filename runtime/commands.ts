import type { SessionBuffers } from "./buffers.ts";
import type { Pipelines } from "./pipelines.ts";
import type { Program, ProgramDispatch, ProgramEntry } from "./program/schema.ts";

/** A dispatch ready to be recorded. */
export interface Command {
  readonly kernel: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
  readonly operations: number;
}

/** The dispatches of an entry point, bind groups made. `pictures` is empty where the session takes none. */
export interface Commands {
  readonly pictures: readonly Command[];
  readonly dispatches: readonly Command[];
}

/** Makes the bind groups of an entry point: one a dispatch, except where two dispatches bind the same. */
export function prepareCommands(
  device: GPUDevice,
  program: Program,
  entry: ProgramEntry,
  pipelines: Pipelines,
  buffers: SessionBuffers,
): Commands {
  const groups = new Map<string, GPUBindGroup>();
  const prepare = (dispatch: ProgramDispatch): Command => {
    const { name, executedOperations } = program.kernels[dispatch.kernel];
    const pipeline = pipelines.get(dispatch.kernel)!;
    const key = JSON.stringify([dispatch.kernel, dispatch.bindings]);
    let bindGroup = groups.get(key);
    if (!bindGroup) {
      bindGroup = device.createBindGroup({
        label: name,
        layout: pipeline.getBindGroupLayout(0),
        entries: dispatch.bindings.map((binding, i) => ({ binding: i, resource: buffers.resource(entry, binding) })),
      });
      groups.set(key, bindGroup);
    }
    return { kernel: name, pipeline, bindGroup, workgroups: dispatch.workgroups, operations: executedOperations };
  };
  return {
    pictures: buffers.pictures ? entry.pictures.map(prepare) : [],
    dispatches: entry.dispatches.map(prepare),
  };
}

/** Records `commands` into one compute pass. */
export function recordPass(
  encoder: GPUCommandEncoder,
  commands: readonly Command[],
  timing?: GPUComputePassTimestampWrites,
) {
  const pass = encoder.beginComputePass(timing ? { timestampWrites: timing } : undefined);
  for (const { pipeline, bindGroup, workgroups } of commands) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...workgroups);
  }
  pass.end();
}

/** Splits commands where their operations pass `most`, so that no submit runs into a driver's time limit. */
export function splitByOperations(commands: readonly Command[], most: number): Command[][] {
  const parts: Command[][] = [[]];
  let operations = 0;
  for (const command of commands) {
    if (operations + command.operations > most && parts[parts.length - 1].length > 0) {
      parts.push([]);
      operations = 0;
    }
    parts[parts.length - 1].push(command);
    operations += command.operations;
  }
  return parts;
}
