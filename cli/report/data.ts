/** What the page of a compiled model shows (pages/program.ts), as JSON. Values, steps, layers and nodes name each other by
 * number: their place in the report's lists. */
import type { TextureExtent } from "../../runtime/program/texture.ts";

/** Where in a step something belongs. pictures: what puts the batch into the network's input. */
export type Phase = "pictures" | "forward" | "backward" | "update";

/** A text as runs of `Report.lines`: first line, number of lines, and so on. */
export type Runs = readonly number[];

/** Lines from <= i < to of a pass's text. */
export type LineRange = readonly [from: number, to: number];

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type Stage = "graph" | "joint" | "expr" | "fused" | "kernels" | "plan";

export interface ReportPass {
  readonly name: string;
  readonly summary: string;
  /** Of what it made. */
  readonly stage: Stage;
  readonly text: Runs;
}

export type ValueKind =
  | "input"
  | "labels"
  | "activation"
  | "gradient"
  | "temporary"
  | "output"
  | "parameter"
  | "velocity"
  | "statistic";

export interface ReportValue {
  readonly name: string;
  /** `f32[64,96,54,54]` */
  readonly type: string;
  readonly bytes: number;
  /** temporary: what a pass brought in, a partial sum or a transform. */
  readonly kind: ValueKind;
  /** Of the step that writes it. */
  readonly layer: number | null;
  /** Its place in the arena; a value that has none is state, the run's own, or never stored. */
  readonly buffer?: { readonly offset: number; readonly size: number; readonly start: number; readonly end: number };
  /** Where it is a copy in a texture. */
  readonly texture?: {
    readonly gpuTexture: number;
    readonly size: number;
    readonly start: number;
    readonly end: number;
  };
}

/** A call in the model file; the loss is one too, which has no place. */
export interface ReportLayer {
  readonly name: string;
  readonly op: string;
  readonly place: Place | null;
}

/** An op of the joint graph (of the forward graph in infer mode). */
export interface ReportNode {
  readonly op: string;
  readonly phase: Phase;
  readonly layer: number;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** In the text of `Report.texts.nodes`. */
  readonly line: number;
}

/** A dispatch: a kernel's run, or a copy into a texture. */
export interface ReportStep {
  readonly name: string;
  readonly copy: boolean;
  readonly ops: readonly string[];
  readonly algorithm: string;
  readonly phase: Phase;
  readonly layer: number;
  readonly nodes: readonly number[];
  readonly places: readonly Place[];
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  /** Read and written, each tensor once. */
  readonly bytes: number;
  /** Of the definition as it stands; a multiply-add counts two. */
  readonly operations: number;
  readonly executedOperations: number;
  readonly workgroups: readonly [number, number, number];
  readonly workgroupSize: number;
  readonly schedule: Readonly<Record<string, string | number | boolean>>;
  /** Its definitions, its group and its loop nest in the texts that `Report.texts` names. */
  readonly definitions: readonly LineRange[];
  readonly group: LineRange | null;
  readonly kernel: LineRange | null;
  /** Into `Report.codes`. */
  readonly code: number | null;
}

/** A kernel's text in the target's language. */
export interface ReportCode {
  readonly file: string;
  readonly text: Runs;
}

/** Times, as `kiln bench` measured them. */
export interface Measured {
  readonly adapter: string;
  /** How kernels were timed. */
  readonly clock: "timestamps" | "submits" | "threads";
  readonly peakGflops: number;
  /** Bytes a second that a copy reads and writes, in 1e9. */
  readonly copyGigabytes: number;
  readonly stepMs: number | null;
  readonly forwardMs: number;
  /** Of every step, in order. */
  readonly ms: readonly number[];
  /** Of the kernels that put pictures into the input, before them. */
  readonly picturesMs: number;
}

export interface Report {
  readonly model: {
    readonly name: string;
    readonly mode: "train" | "infer";
    readonly batch: number;
    readonly target: string;
    readonly algorithm: string;
    readonly entry: string;
    readonly settings: Readonly<Record<string, string | number | boolean>>;
    readonly compiler: string;
  };
  readonly plan: {
    readonly arenas: readonly number[];
    readonly gpuTextures: readonly TextureExtent[];
    readonly arenaBytes: number;
    readonly lowerBoundBytes: number;
    readonly persistentBytes: number;
  };
  /** The model file, then what it imports. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** Every line that stands in a text, once. */
  readonly lines: readonly string[];
  readonly passes: readonly ReportPass[];
  /** The passes in whose texts nodes, definitions, groups and kernels are named by their lines. */
  readonly texts: {
    readonly nodes: number;
    readonly definitions: number;
    readonly groups: number;
    readonly kernels: number;
  };
  readonly codes: readonly ReportCode[];
  readonly layers: readonly ReportLayer[];
  readonly nodes: readonly ReportNode[];
  readonly values: readonly ReportValue[];
  readonly steps: readonly ReportStep[];
  readonly measured: Measured | null;
}
