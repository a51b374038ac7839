/** `kiln bench --trace`: what Perfetto and chrome://tracing ask of a trace. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stepTrace, type Trace, type TraceEvent } from "../../cli/bench/trace.ts";
import { Folder } from "./kiln.ts";

const folder = new Folder();
const { kiln } = folder;
afterAll(() => folder.remove());

/**
 * What Perfetto asks of an event of each kind: the Trace Event Format's fields and their types
 * (docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU).
 */
function requireEvent(event: TraceEvent): void {
  expect(typeof event.name).toBe("string");
  expect(Number.isInteger(event.pid) && Number.isInteger(event.tid)).toBe(true);
  expect(typeof event.args).toBe("object");
  if (event.ph === "M") {
    expect(["process_name", "thread_name"]).toContain(event.name);
    expect(typeof event.args.name).toBe("string");
    return;
  }
  expect(event.ph).toBe("X");
  expect(typeof event.cat).toBe("string");
  expect(Number.isFinite(event.ts) && event.ts! >= 0).toBe(true);
  expect(Number.isFinite(event.dur) && event.dur! >= 0).toBe(true);
}

/**
 * Spans of a track follow each other, also where a reader cuts off what is below a nanosecond; Perfetto leaves out or moves
 * what overlaps. It knows threads by their numbers alone.
 */
function requireTracks({ traceEvents }: Pick<Trace, "traceEvents">): void {
  const named = traceEvents.filter(({ name }) => name === "thread_name").map(({ pid, tid }) => `${pid}/${tid}`);
  expect(new Set(named.map((track) => track.split("/")[1])).size).toBe(named.length);
  const ends = new Map<string, number>();
  const spans = traceEvents.filter(({ ph }) => ph === "X").sort((a, b) => a.ts! - b.ts!);
  for (const { pid, tid, ts, dur } of spans) {
    const track = `${pid}/${tid}`;
    expect(named).toContain(track);
    const [begin, length] = [Math.trunc(ts! * 1000), Math.trunc(dur! * 1000)];
    expect(begin).toBeGreaterThanOrEqual(ends.get(track) ?? 0);
    ends.set(track, begin + length);
  }
}

describe.each([
  ["wasm", "threads"],
  ["lavapipe", "timestamps"],
])("kiln bench --trace on %s", (adapter, clock) => {
  let trace: Trace;
  let dispatches: TraceEvent[];
  beforeAll(async () => {
    const args = ["bench", "tiny.ts", "--batch", "4", "--repeats", "2", "--adapter", adapter];
    const { code, stderr } = await kiln(...args, "--trace", `${adapter}.json`);
    expect(stderr).toContain(`Written to ${adapter}.json`);
    expect(code).toBe(0);
    trace = JSON.parse(folder.read(`${adapter}.json`));
    dispatches = trace.traceEvents.filter((event) => event.args.dispatch !== undefined);
  });

  test("is in the Trace Event Format, on named tracks", () => {
    expect(trace.displayTimeUnit).toBe("ms");
    trace.traceEvents.forEach(requireEvent);
    requireTracks(trace);
    expect(trace.otherData).toMatchObject({ clock, note: expect.stringMatching(/one run.*The host's spans/s) });
  });

  test("has every dispatch in order, one after the other, with what it does", () => {
    expect(dispatches.map(({ args }) => args.dispatch)).toEqual(dispatches.map((_, i) => i));
    for (const [i, { ts }] of dispatches.entries())
      if (i > 0) expect(ts!).toBeGreaterThanOrEqual(dispatches[i - 1].ts!);
    expect(dispatches[0].cat).toBe("pictures");
    const [forward] = dispatches.filter(({ cat }) => cat === "forward");
    expect(forward.args).toMatchObject({ layer: "conv2d_1", source: expect.stringMatching(/tiny\.ts:4/) });
    expect(dispatches.at(-1)).toMatchObject({ cat: "backward", args: { ops: expect.stringMatching(/sgd/) } });
  });

  test("has the upload, the submit and the reading of the loss before and beside them", () => {
    const host = trace.traceEvents.filter(({ cat }) => cat === "host");
    expect(host.map(({ name }) => name)).toEqual(["upload: pictures", "submit", "wait for the loss and read it"]);
    expect(dispatches[0].ts).toBeCloseTo(host[1].ts! + host[1].dur!, 2);
  });
});

test("dispatches that run at the same time are on tracks of their own", () => {
  const spans = [
    { start: 0, nanoseconds: 1000.4 },
    { start: 1000.4, nanoseconds: 500 },
    { start: 1200, nanoseconds: 700 },
    { start: 1500.4, nanoseconds: 100 },
  ];
  const { traceEvents } = stepTrace({
    title: "",
    adapter: "gpu",
    figures: spans.map((_, i) => ({ name: `k${i}`, ops: [], sources: [], operations: 1, bytes: 1 }) as never),
    profile: {
      clock: "timestamps",
      dispatches: spans.map(({ nanoseconds }) => ({ kernel: "", workgroups: [1, 1, 1] as const, nanoseconds })),
      totalNanoseconds: 0,
      fastestRun: spans,
    },
    belongings: spans.map(() => ({ category: "forward", layer: null })),
    host: { upload: 0.001, submit: 0.0004, wait: 0.01 },
  });
  traceEvents.forEach(requireEvent);
  requireTracks({ traceEvents });
  const dispatches = traceEvents.filter(({ cat }) => cat === "forward");
  expect(dispatches.map(({ tid }) => tid)).toEqual([2, 2, 3, 2]);
  expect(dispatches.map(({ ts }) => ts)).toEqual([1.4, 2.4, 2.6, 2.9]);
});
