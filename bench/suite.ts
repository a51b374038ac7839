/** What a suite is given, and what it gives. */
import type { EChartsOption } from "echarts";
import type { FoundAdapter } from "../runtime/node/adapters.ts";
import type { Target } from "../runtime/program/schema.ts";

export const suiteNames = ["peers", "kernels", "scale", "compile", "memory"] as const;
export type SuiteName = (typeof suiteNames)[number];

export interface BenchOptions {
  /** Timed runs of each thing. */
  readonly repeats: number;
  /** Pictures a batch; in `scale`, the largest tried for the model. */
  readonly batch?: number;
  /** A model file, instead of a suite's own choice. */
  readonly model?: string;
  readonly set: Readonly<Record<string, string>>;
  readonly algorithm: "auto" | "direct" | "fast";
  /** Peers wanted; all where not given. */
  readonly peers?: readonly string[];
  /** Batches of peers that take another one than the rest. */
  readonly peerBatch: Readonly<Record<string, number>>;
  /** Seconds that a peer may take for one answer. */
  readonly peerLimit: number;
  /** Layers of the networks that are compiled, or run, to see growth with depth. */
  readonly depths?: readonly number[];
  /** Training steps over which memory is watched. */
  readonly steps: number;
}

export interface BenchContext {
  readonly options: BenchOptions;
  /** What `--adapter` says, so that every process opens the same. */
  readonly adapterOption: string;
  readonly adapter: Pick<FoundAdapter, "name" | "class" | "software">;
  readonly target: Target;
  /** A line about how far it is, for people. */
  say(line: string): void;
}

export interface Column {
  readonly title: string;
  /** Digits behind the point of its numbers; 0 where not said. */
  readonly digits?: number;
}

export type Cell = string | number | null;

export interface Table {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface Chart {
  /** Of its file, after the suite's. */
  readonly name: string;
  readonly title: string;
  /** Pixels; 420 where not said. */
  readonly height?: number;
  readonly option: EChartsOption;
}

export interface SuiteResult {
  /** What a reader should know first, a paragraph each. */
  readonly summary: readonly string[];
  readonly tables: readonly Table[];
  readonly charts: readonly Chart[];
  /** Every figure, as JSON. */
  readonly data: object;
}

export type Suite = (context: BenchContext) => Promise<SuiteResult>;
