import { elementCount } from "../program/layout.ts";
import {
  copyKernel,
  isCopy,
  type Program,
  type ProgramCopy,
  type ProgramDispatch,
  type ProgramEntry,
} from "../program/schema.ts";
import { elementsPerTexel, texelBytes, texelsPerRow } from "../program/texture.ts";
import type { SessionBuffers, Slice } from "./buffers.ts";
import { labelOf, type Pipelines } from "./pipelines.ts";

/** A dispatch or a copy into a texture, ready to be recorded. */
export type Command = Dispatch | Copy;

interface Dispatch {
  readonly kernel: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
  readonly operations: number;
}

interface Copy {
  readonly kernel: typeof copyKernel;
  /** Whole rows of texels, then the last if it is none. */
  readonly parts: readonly (readonly [GPUTexelCopyBufferInfo, GPUTexelCopyTextureInfo, GPUExtent3DStrict])[];
  readonly workgroups: readonly [0, 0, 0];
  readonly operations: 0;
}

const isDispatch = (command: Command): command is Dispatch => "pipeline" in command;

/** The commands of an entry point, bind groups made. `pictures` is empty where the session takes none. */
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
  const prepare = (dispatch: ProgramDispatch): Dispatch => {
    const kernel = program.kernels[dispatch.kernel];
    const { name, executedOperations } = kernel;
    const pipeline = pipelines.get(dispatch.kernel)!;
    const key = JSON.stringify([dispatch.kernel, dispatch.bindings]);
    let bindGroup = groups.get(key);
    if (!bindGroup) {
      bindGroup = device.createBindGroup({
        label: labelOf(kernel),
        layout: pipeline.getBindGroupLayout(0),
        entries: dispatch.bindings.map((binding, i) => ({ binding: i, resource: buffers.resource(entry, binding) })),
      });
      groups.set(key, bindGroup);
    }
    return { kernel: name, pipeline, bindGroup, workgroups: dispatch.workgroups, operations: executedOperations };
  };
  return {
    pictures: buffers.pictures ? entry.pictures.map(prepare) : [],
    dispatches: entry.dispatches.map((step) => (isCopy(step) ? prepareCopy(entry, step, buffers) : prepare(step))),
  };
}

function prepareCopy(entry: ProgramEntry, copy: ProgramCopy, buffers: SessionBuffers): Copy {
  const { shape } = entry.textures.find((t) => t.name === copy.texture)!;
  const source = buffers.tensor(entry, copy.copy);
  return copyIntoTexture(source, buffers.texture(entry, copy.texture), elementCount(shape));
}

/** Fills a texture with a tensor of so many elements; see program/texture.ts. */
export function copyIntoTexture({ buffer, offset }: Slice, texture: GPUTexture, elements: number): Copy {
  const texels = elements / elementsPerTexel;
  const rows = Math.floor(texels / texelsPerRow);
  const bytesPerRow = texelsPerRow * texelBytes;
  const part = (row: number, width: number, height: number) =>
    [
      { buffer, offset: offset + row * bytesPerRow, bytesPerRow },
      { texture, origin: { x: 0, y: row } },
      { width, height },
    ] as const;
  const rest = texels - rows * texelsPerRow;
  return {
    kernel: copyKernel,
    parts: [...(rows > 0 ? [part(0, texelsPerRow, rows)] : []), ...(rest > 0 ? [part(rows, rest, 1)] : [])],
    workgroups: [0, 0, 0],
    operations: 0,
  };
}

/** Records `commands`: dispatches that follow one another in one compute pass, copies between passes. */
export function recordCommands(encoder: GPUCommandEncoder, commands: readonly Command[]): void {
  let pass: GPUComputePassEncoder | null = null;
  for (const command of commands) {
    if (isDispatch(command)) {
      pass ??= encoder.beginComputePass();
      recordDispatch(pass, command);
    } else {
      pass?.end();
      pass = null;
      recordCopy(encoder, command);
    }
  }
  pass?.end();
}

/** Records one command, and the device's time before and after it into two queries of a set, from `first` on. */
export function recordTimed(encoder: GPUCommandEncoder, command: Command, querySet: GPUQuerySet, first: number): void {
  const [beginning, end] = [{ beginningOfPassWriteIndex: first }, { endOfPassWriteIndex: first + 1 }];
  if (isDispatch(command)) {
    const pass = encoder.beginComputePass({ timestampWrites: { querySet, ...beginning, ...end } });
    recordDispatch(pass, command);
    pass.end();
    return;
  }
  // Only passes take the time: an empty one on either side.
  encoder.beginComputePass({ timestampWrites: { querySet, ...beginning } }).end();
  recordCopy(encoder, command);
  encoder.beginComputePass({ timestampWrites: { querySet, ...end } }).end();
}

function recordDispatch(pass: GPUComputePassEncoder, { pipeline, bindGroup, workgroups }: Dispatch): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(...workgroups);
}

function recordCopy(encoder: GPUCommandEncoder, { parts }: Copy): void {
  for (const [source, destination, extent] of parts) encoder.copyBufferToTexture(source, destination, extent);
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
