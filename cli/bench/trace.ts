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

export function stepTrace({ title, adapter, figures, profile, belongings, host }: TraceSource): Trace {
  const spans = profile.fastestRun ?? endToEnd(profile);
  const begin = host ? (host.upload + host.submit) * 1e6 : 0;
  const events = spans.map(({ start, nanoseconds }, i): TraceEvent => {
    const { name, ops, operations, bytes, sources } = figures[i];
    return {
      name,
      cat: belongings[i].category,
      ph: "X",
      ts: microseconds(begin + start),
      dur: microseconds(nanoseconds),
      pid: deviceProcess,
      tid: 1,
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
  return {
    traceEvents: [
      ...track(deviceProcess, 1, adapter, profile.clock === "threads" ? "dispatches, all threads" : "dispatches"),
      ...(host ? [...track(hostProcess, 1, "host", "main thread"), ...hostEvents(host)] : []),
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

/** To the nanosecond. */
const microseconds = (nanoseconds: number): number => Math.round(nanoseconds) / 1000;

const track = (pid: number, tid: number, process: string, thread: string): TraceEvent[] => [
  { name: "process_name", ph: "M", pid, tid, args: { name: process } },
  { name: "thread_name", ph: "M", pid, tid, args: { name: thread } },
];

function hostEvents({ upload, submit, wait }: HostSpans): TraceEvent[] {
  let at = 0;
  return [
    { name: "upload: pictures", ms: upload },
    { name: "submit", ms: submit },
    { name: "wait for the loss and read it", ms: wait },
  ].map(({ name, ms }) => {
    const event = {
      name,
      cat: "host",
      ph: "X",
      ts: microseconds(at * 1e6),
      dur: microseconds(ms * 1e6),
      pid: hostProcess,
      tid: 1,
      args: {},
    } as const;
    at += ms;
    return event;
  });
}
