/** `kiln inspect -o`, and what `kiln bench` writes beside its figures. */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Trace, TraceEvent } from "../../cli/bench/trace.ts";
import { Folder } from "./kiln.ts";

const folder = new Folder();
const { kiln } = folder;
afterAll(() => folder.remove());

describe("kiln inspect -o", () => {
  test("writes what it would print", async () => {
    const printed = await kiln("inspect", "tiny.ts", "--stage", "fused");
    const { code, stdout } = await kiln("inspect", "tiny.ts", "--stage", "fused", "-o", "out/fused.kir");
    expect([code, stdout]).toEqual([0, ""]);
    expect(folder.read("out/fused.kir")).toBe(printed.stdout);
  });

  test("a page is the same each time, and names the model", async () => {
    const pages = [];
    for (const name of ["a.html", "b.html"]) {
      expect(await kiln("inspect", "tiny.ts", "--format", "html", "-o", name)).toMatchObject({ code: 0, stdout: "" });
      pages.push(folder.read(name));
    }
    expect(pages[0]).toBe(pages[1]);
    expect(pages[0]).toContain("<title>tiny (train, batch 64, portable)</title>");
  });

  test("an artifact's folder has no page, and says what has", async () => {
    await kiln("compile", "tiny.ts", "--batch", "2", "-o", "built");
    const { code, stderr } = await kiln("inspect", "built", "--format", "html", "-o", "c.html");
    expect(stderr).toMatch(
      /built is an artifact, which holds kernels and plan; for --format html inspect the model file/,
    );
    expect([code, existsSync(folder.file("c.html"))]).toEqual([1, false]);
    const bench = await kiln("bench", "built", "--report", "c.html");
    expect(bench.stderr).toMatch(/for --report bench the model file/);
    expect(bench.code).toBe(1);
  });
});

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
    const named = new Set(
      trace.traceEvents.filter(({ name }) => name === "thread_name").map(({ pid, tid }) => `${pid}/${tid}`),
    );
    for (const { pid, tid } of trace.traceEvents) expect(named).toContain(`${pid}/${tid}`);
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
