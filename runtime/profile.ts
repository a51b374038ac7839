/** How time is taken: by the device's timestamps, around a submit of each dispatch, or where all threads have met. */
export type Clock = "timestamps" | "submits" | "threads";

/** When a dispatch ran, in nanoseconds from the beginning of its run. */
export interface Span {
  readonly start: number;
  readonly nanoseconds: number;
}

export interface Profile {
  readonly clock: Clock;
  readonly dispatches: readonly {
    /** Its name; "copy" for a copy into a texture, which has no workgroups. */
    readonly kernel: string;
    readonly workgroups: readonly [number, number, number];
    /** The least of all runs. */
    readonly nanoseconds: number;
  }[];
  readonly totalNanoseconds: number;
  /** The fastest run as a whole, a span a dispatch; null where each dispatch was a run of its own. */
  readonly fastestRun: readonly Span[] | null;
}

const total = (spans: readonly Span[]): number => spans.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0);

/** The run that took least, of one at least. */
export const fastest = (runs: readonly (readonly Span[])[]): readonly Span[] =>
  runs.reduce((best, run) => (total(run) < total(best) ? run : best));

/** The least time of each dispatch in any run. */
export const leastTimes = (runs: readonly (readonly Span[])[]): number[] =>
  runs[0].map((_, i) => Math.min(...runs.map((run) => run[i].nanoseconds)));
