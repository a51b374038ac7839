/**
 * One step as a trace that Perfetto and chrome://tracing load: the Trace Event Format of Chromium, complete events ("X") in
 * microseconds, tracks named by metadata events ("M").
 */
import type { Profile, Span } from "../../runtime/profile.ts";
import type { KernelFigures } from "./kernels.ts";
import type { HostSpans } from "./measure.ts";

export interface TraceEvent {
  readonly name: string;
  readonly ph: "X" | "M";
  readonly pid: number;
  readonly tid: number;
  readonly cat?: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface Trace {
  readonly traceEvents: readonly TraceEvent[];
  readonly displayTimeUnit: "ms";
  readonly otherData: Readonly<Record<string, unknown>>;
}

/** Where a dispatch belongs; of an artifact's folder, which holds no graph, the entry point and no layer. */
export interface Belonging {
  readonly category: string;
  readonly layer: string | null;
}

export interface TraceSource {
  readonly title: string;
  readonly adapter: string;
  readonly figures: readonly KernelFigures[];
  readonly profile: Profile;
  readonly belongings: readonly Belonging[];
  /** Null where no step was run: in infer mode. */
  readonly host: HostSpans | null;
}

const [hostProcess, deviceProcess] = [1, 2];
/** Perfetto knows a thread by its number alone, whatever its process: each has one of its own. */
const hostThread = 1;
const deviceThread = 2;

export function stepTrace({ title, adapter, figures, profile, belongings, host }: TraceSource): Trace {
  const spans = profile.fastestRun ?? endToEnd(profile);
  const begin = host ? Math.round((host.upload + host.submit) * 1e6) : 0;
  const lanes = lanesOf(spans);
  const events = spans.map(({ start, nanoseconds }, i): TraceEvent => {
    const { name, ops, operations, bytes, sources } = figures[i];
    return {
      name,
      cat: belongings[i].category,
      ph: "X",
      ...timesOf({ start: begin + start, nanoseconds }),
      pid: deviceProcess,
      tid: deviceThread + lanes[i],
      args: {
        dispatch: i,
        ops: ops.join(", "),
        ...(belongings[i].layer !== null && { layer: belongings[i].layer }),
        source: sources.join(", "),
        operations,
        "GFLOP/s": nanoseconds > 0 ? Number((operations / nanoseconds).toPrecision(4)) : 0,
        bytes,
        workgroups: profile.dispatches[i].workgroups.join(" x "),
      },
    };
  });
  const dispatches = profile.clock === "threads" ? "dispatches, all threads" : "dispatches";
  return {
    traceEvents: [
      ...track(deviceProcess, deviceThread, adapter, dispatches),
      ...[...new Set(lanes)]
        .filter((lane) => lane > 0)
        .map((lane) => threadName(deviceProcess, deviceThread + lane, `${dispatches}, at the same time`)),
      ...(host ? [...track(hostProcess, hostThread, "host", "main thread"), ...hostEvents(host)] : []),
      ...events,
    ],
    displayTimeUnit: "ms",
    otherData: { title, adapter, clock: profile.clock, note: noteOf(profile, host) },
  };
}

function noteOf({ fastestRun, clock }: Profile, host: HostSpans | null): string {
  const kernels = fastestRun
    ? `The dispatches are one run, the fastest of those profiled, at the times that the clock (${clock}) gave. ` +
      "Where the device has timestamps, each is a pass of its own, so a step without profiling may be faster."
    : "Each dispatch was timed alone, the least of several, and they are laid end to end: this is no one run.";
  return host ? `${kernels} The host's spans are of another step; the device's begin where its submit ends.` : kernels;
}

const endToEnd = ({ dispatches }: Profile): Span[] => {
  let start = 0;
  return dispatches.map(({ nanoseconds }) => {
    const span = { start, nanoseconds };
    start += nanoseconds;
    return span;
  });
};

/**
 * For each span the first track on which nothing else runs then, as a GPU may run two dispatches at once: what overlaps on
 * one track without lying inside, Perfetto drops or moves. Spans come in the order of their starts, or nearly so.
 */
function lanesOf(spans: readonly Span[]): number[] {
  const ends: number[] = [];
  return spans.map(({ start, nanoseconds }) => {
    const free = ends.findIndex((end) => end <= Math.round(start));
    const lane = free < 0 ? ends.length : free;
    ends[lane] = Math.round(start + nanoseconds);
    return lane;
  });
}

/**
 * Begin and length to the nanosecond, in microseconds. It ends one nanosecond early: a viewer that cuts off fractions may see
 * the next one begin as much earlier, which would be an overlap.
 */
function timesOf({ start, nanoseconds }: Span): { readonly ts: number; readonly dur: number } {
  const [from, to] = [Math.round(start), Math.round(start + nanoseconds)];
  return { ts: from / 1000, dur: Math.max(0, to - from - 1) / 1000 };
}

const threadName = (pid: number, tid: number, name: string): TraceEvent => ({
  name: "thread_name",
  ph: "M",
  pid,
  tid,
  args: { name },
});

const track = (pid: number, tid: number, process: string, thread: string): TraceEvent[] => [
  { name: "process_name", ph: "M", pid, tid, args: { name: process } },
  threadName(pid, tid, thread),
];

function hostEvents({ upload, submit, wait }: HostSpans): TraceEvent[] {
  let start = 0;
  return [
    { name: "upload: pictures", ms: upload },
    { name: "submit", ms: submit },
    { name: "wait for the loss and read it", ms: wait },
  ].map(({ name, ms }) => {
    const span = { start, nanoseconds: ms * 1e6 };
    start += span.nanoseconds;
    return { name, cat: "host", ph: "X", ...timesOf(span), pid: hostProcess, tid: hostThread, args: {} } as const;
  });
}
