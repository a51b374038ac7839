/** A program made by hand, of one entry point: what measures kernels by themselves runs such. */
import type { Value } from "../../compiler/ir/types.ts";
import { elementCount } from "../../compiler/ir/types.ts";
import type { KernelTable } from "../../compiler/kernelTable.ts";
import {
  type Artifact,
  formatVersion,
  type ProgramStep,
  type ProgramUniform,
  type Target,
} from "../../runtime/program/schema.ts";
import type { TextureExtent } from "../../runtime/program/texture.ts";

interface SingleEntry {
  readonly name: string;
  readonly target: Target;
  readonly table: KernelTable;
  readonly states: readonly Value[];
  /** Each gets an arena of its own. */
  readonly buffers: readonly Value[];
  readonly textures?: readonly {
    readonly value: Value;
    readonly gpuTexture: number;
    readonly size: number;
    readonly extent: TextureExtent;
  }[];
  readonly steps: readonly ProgramStep[];
  readonly uniforms: readonly ProgramUniform[];
}

const plain = (value: Value): number[] => value.type.shape.map((_, d) => d);

/** A program in infer mode, whose entry point `forward` takes the steps; every tensor lies row-major. */
export function singleEntryProgram(entry: SingleEntry): Artifact {
  const { name, target, table, states, textures = [], steps, uniforms } = entry;
  const sizes = entry.buffers.map(({ type }) => Math.ceil((elementCount(type.shape) * 4) / 256) * 256);
  const total = sizes.reduce((a, b) => a + b, 0);
  let offset = 0;
  const buffers = entry.buffers.map((value, i) => {
    offset += sizes[i];
    const { dtype: type, shape } = value.type;
    const layout = plain(value);
    return { name: value.name, type, shape, layout, offset: offset - sizes[i], size: sizes[i], start: 0, end: 1 };
  });
  return {
    kernels: table.texts,
    program: {
      format: formatVersion,
      compiler: "by hand",
      model: {
        name,
        hash: "",
        mode: "infer",
        batch: 1,
        settings: {},
        algorithm: "direct",
        optimizer: null,
        classes: null,
      },
      target,
      input: { shape: [1, 1, 1, 1], mean: [0], std: [1], classNames: null },
      output: { shape: [1] },
      state: states.map((value) => ({
        name: value.name,
        shape: value.type.shape,
        role: "parameter",
        initializer: { kind: "constant", value: 0 },
        layout: plain(value),
      })),
      uniforms,
      kernels: table.kernels,
      entries: {
        forward: {
          arenas: sizes,
          gpuTextures: textures.map(({ extent }) => extent),
          arenaBytes: total,
          lowerBoundBytes: total,
          buffers,
          textures: textures.map(({ value, gpuTexture, size }) => {
            return {
              name: value.name,
              shape: value.type.shape,
              layout: plain(value),
              gpuTexture,
              size,
              start: 0,
              end: 1,
            };
          }),
          pictures: [],
          dispatches: steps,
          inputs: {},
          // All may be read back, and memory for that is made.
          outputs: Object.fromEntries(buffers.map(({ name: buffer }) => [buffer, buffer])),
        },
      },
      arenaBytes: total,
      lowerBoundBytes: total,
      persistentBytes: states.reduce((sum, { type }) => sum + elementCount(type.shape) * 4, 0),
    },
  };
}
