/** What a suite is given, and what it gives. */
import type { EChartsOption } from "echarts";
import type { FoundAdapter } from "../runtime/node/adapters.ts";
import type { Target } from "../runtime/program/schema.ts";

/** Suites that run on an adapter, or compile for it. */
export const adapterSuiteNames = ["peers", "kernels", "scale", "compile", "memory"] as const;
export type AdapterSuiteName = (typeof adapterSuiteNames)[number];

/** Suites about the compiler alone, for described targets: they need no adapter. */
export const compilerSuiteNames = ["plans", "limits", "minimalloc"] as const;
export type CompilerSuiteName = (typeof compilerSuiteNames)[number];

export const suiteNames = [...adapterSuiteNames, ...compilerSuiteNames] as const;
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
  /** Models of models/ by name, of those that `plans` and `limits` go over; all where not given. */
  readonly zoo?: readonly string[];
  /** Described targets of `plans` and `limits`, by name; each suite's own where not given. */
  readonly targets?: readonly string[];
  /** Limits on memory, as parts of the plan without a limit. */
  readonly limits: readonly number[];
}

export interface CompilerContext {
  readonly options: BenchOptions;
  /** A line about how far it is, for people. */
  say(line: string): void;
}

export interface BenchContext extends CompilerContext {
  /** What `--adapter` says, so that every process opens the same. */
  readonly adapterOption: string;
  readonly adapter: Pick<FoundAdapter, "name" | "class" | "software">;
  readonly target: Target;
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

/** Instead of a result, where what the suite needs is not given. */
export interface Skipped {
  /** A sentence. */
  readonly skipped: string;
}

export type Suite = (context: BenchContext) => Promise<SuiteResult>;
export type CompilerSuite = (context: CompilerContext) => SuiteResult | Skipped;
