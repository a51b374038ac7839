/** How time is taken: by the device's timestamps, around a submit of each dispatch, or where all threads have met. */
export type Clock = "timestamps" | "submits" | "threads";

export interface Profile {
  readonly clock: Clock;
  readonly dispatches: readonly {
    /** Its name; "copy" for a copy into a texture, which has no workgroups. */
    readonly kernel: string;
    readonly workgroups: readonly [number, number, number];
    readonly nanoseconds: number;
  }[];
  readonly totalNanoseconds: number;
}
