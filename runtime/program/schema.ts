/**
 * The artifact's `program.json`, version 1. Imports nothing but types: the compiler writes it, the runtime reads it.
 * A reader (parseProgram) names the first field that is wrong.
 */

import type { TextureExtent } from "./texture.ts";

/** The format that this Kiln writes and reads. */
export const formatVersion = 1;

export type ElementType = "f32" | "i32" | "u32";

export interface Limits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupSizeX: number;
  readonly maxComputeWorkgroupsPerDimension: number;
}

/** The WGSL language feature without which a kernel cannot read a storage texture. */
export const wgslStorageTextures = "readonly_and_readwrite_storage_textures";

/** What kinds of adapters there are: schedules are chosen by them. */
export const targetClasses = [
  "lavapipe",
  "swiftshader",
  "integrated",
  "discrete",
  "mobile",
  "portable",
  "wasm",
] as const;
/** The kind of an adapter. */
export type TargetClass = (typeof targetClasses)[number];

/** A description of an adapter (compiler/target/*.json). */
export interface Target {
  readonly name: string;
  readonly class: TargetClass;
  readonly limits: Limits;
  /** WebGPU features and WGSL language features that kernels may use: "subgroups", `wgslStorageTextures`. */
  readonly features: readonly string[];
  /** Fixed subgroup size, or null where it varies or is unknown. */
  readonly subgroupSize: number | null;
}

/** xavier: uniform in +-sqrt(magnitude / ((fanIn + fanOut) / 2)), magnitude 2.24. Fans as MXNet defines them: fanIn =
 * shape[1] * receptive field, fanOut = shape[0] * receptive field. */
export type StateInitializer = { readonly kind: "xavier" } | { readonly kind: "constant"; readonly value: number };

export interface ProgramState {
  readonly name: string;
  /** Logical shape, PyTorch's. */
  readonly shape: readonly number[];
  readonly role: "parameter" | "velocity" | "statistic";
  readonly initializer: StateInitializer;
  /** Physical order of the logical dimensions, slowest first: element i of memory follows this order, no padding. */
  readonly layout: readonly number[];
}

/** Fields of the uniform block, 4 bytes each, in the order of `Program.uniforms`. */
export interface ProgramUniform {
  readonly name: "seed" | "step" | "lr" | "momentum" | "weightDecay" | "pictureHeight" | "pictureWidth";
  readonly type: ElementType;
}

/** texture: a storage texture of rgba32float that is only read. */
export type BindingAccess = "read" | "read_write" | "uniform" | "texture";

export interface ProgramKernel {
  readonly name: string;
  /** Path inside the artifact: "kernels/NAME.wgsl", "kernels/NAME.wat". Kernels with the same text share a file. */
  readonly file: string;
  readonly entryPoint: string;
  readonly workgroupSize: number;
  /** In the order of @binding in group 0. The uniform block, where there is one, comes last. */
  readonly bindings: readonly { readonly name: string; readonly access: BindingAccess }[];
  /** Model-file lines: "models/alexnet.ts:5". */
  readonly sources: readonly string[];
  readonly ops: readonly string[];
  readonly schedule: Readonly<Record<string, string | number | boolean>>;
  /** "direct", or what computes the ops instead: "split", for a part of a sum and for the sum of its parts. */
  readonly algorithm: string;
  /** Operations of the direct definition, and those executed. */
  readonly operations: number;
  readonly executedOperations: number;
}

/** A named tensor in the arena. Offsets count in one address range over all arenas; see ProgramEntry.arenas. */
export interface ProgramBuffer {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly layout: readonly number[];
  readonly offset: number;
  /** Rounded up to 256 bytes. */
  readonly size: number;
  readonly start: number;
  readonly end: number;
}

/** A copy of a tensor in a texture of rgba32float; program/texture.ts says how it lies there. */
export interface ProgramTexture {
  readonly name: string;
  readonly shape: readonly number[];
  readonly layout: readonly number[];
  /** Index into ProgramEntry.gpuTextures. */
  readonly gpuTexture: number;
  /** Bytes of its rows of texels. */
  readonly size: number;
  readonly start: number;
  readonly end: number;
}

/** A tensor in memory by name: in the arena, or a state. */
export type ProgramTensor =
  | { readonly kind: "buffer"; readonly name: string }
  | { readonly kind: "state"; readonly name: string };

/** What a dispatch binds: a tensor or a texture by name, or one of the run's own buffers. */
export type ProgramBinding =
  | ProgramTensor
  | { readonly kind: "texture"; readonly name: string }
  /** i32 [N]. */
  | { readonly kind: "labels" }
  /** Bytes [N, height, width, channels] packed in u32; height and width are uniforms. */
  | { readonly kind: "pictures" }
  | { readonly kind: "uniforms" };

export interface ProgramDispatch {
  /** Index into Program.kernels. */
  readonly kernel: number;
  readonly workgroups: readonly [number, number, number];
  /** In the order of the kernel's bindings. */
  readonly bindings: readonly ProgramBinding[];
}

/** Fills a texture of that name with a tensor of the same shape and layout. */
export interface ProgramCopy {
  readonly copy: ProgramTensor;
  readonly texture: string;
}

export type ProgramStep = ProgramDispatch | ProgramCopy;

/** Whether a step fills a texture; otherwise it runs a kernel. */
export const isCopy = (step: ProgramStep): step is ProgramCopy => "copy" in step;

/** What a copy into a texture goes by where kernels are listed. */
export const copyKernel = "copy";

/** One list of dispatches over the program's state, with an arena of its own. */
export interface ProgramEntry {
  /** Bytes of each GPU buffer of the arena, one after another in the address range. */
  readonly arenas: readonly number[];
  /** Width and height in texels of each GPU texture. */
  readonly gpuTextures: readonly TextureExtent[];
  /** Of the arenas and the GPU textures. */
  readonly arenaBytes: number;
  readonly lowerBoundBytes: number;
  readonly buffers: readonly ProgramBuffer[];
  readonly textures: readonly ProgramTexture[];
  /** Fills the buffer of input "input" from pictures (resize, mean, std); run before `dispatches` where pictures come in. */
  readonly pictures: readonly ProgramDispatch[];
  /** Lifetimes count these: start <= i < end. */
  readonly dispatches: readonly ProgramStep[];
  /** Names of buffers that a run may write before the first dispatch, by input: "input", "cotangent", "grad.<parameter>". */
  readonly inputs: Readonly<Record<string, string>>;
  /** Names of buffers to read after the last: "output", "loss", "grad.input", "grad.<parameter>". */
  readonly outputs: Readonly<Record<string, string>>;
}

/** step: forward, loss, backward, update. forward: inference. gradients: forward and backward, gradients in buffers, from
 * labels; gradientsFromCotangent likewise. update: from gradients. */
export type EntryName = "step" | "forward" | "gradients" | "gradientsFromCotangent" | "update";

export interface Program {
  readonly format: number;
  /** "kiln 0.1.0" */
  readonly compiler: string;
  readonly model: {
    readonly name: string;
    /** Of the graph (ops, options, shapes, names): what makes two models the same to a checkpoint. */
    readonly hash: string;
    readonly mode: "train" | "infer";
    readonly batch: number;
    readonly settings: Readonly<Record<string, string | number | boolean>>;
    readonly algorithm: "auto" | "direct" | "fast";
    /** Bytes that `arenaBytes` was to keep to; absent where nothing was said. */
    readonly memoryLimit?: number;
    readonly optimizer: { readonly kind: "sgd"; readonly velocity: boolean } | null;
    readonly classes: number | null;
  };
  readonly target: Target;
  readonly input: {
    /** [N, C, H, W] */
    readonly shape: readonly number[];
    readonly mean: readonly number[];
    readonly std: readonly number[];
    /** Where known: a name a class. */
    readonly classNames: readonly string[] | null;
  };
  /** Output type of the model. */
  readonly output: { readonly shape: readonly number[] };
  readonly state: readonly ProgramState[];
  readonly uniforms: readonly ProgramUniform[];
  readonly kernels: readonly ProgramKernel[];
  readonly entries: Partial<Readonly<Record<EntryName, ProgramEntry>>>;
  /** Of `step` (of `forward` in infer mode, of `gradientsFromCotangent` where there is no `step`). */
  readonly arenaBytes: number;
  readonly lowerBoundBytes: number;
  readonly persistentBytes: number;
}

/** An artifact in memory: program.json, the kernels' texts by file, and weights where it was exported with them. */
export interface Artifact {
  readonly program: Program;
  readonly kernels: Readonly<Record<string, string>>;
  /** For the target "wasm": the kernels assembled, by file, "kernels/NAME.wasm". */
  readonly modules?: Readonly<Record<string, Uint8Array>>;
  /** safetensors bytes. */
  readonly weights?: Uint8Array;
}

/** Where the binary of a kernel's WebAssembly text lies: "kernels/NAME.wasm". */
export const moduleFile = (file: string): string => file.replace(/\.wat$/, ".wasm");
