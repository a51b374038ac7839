/** When a software driver is asked whether it is done. Time is the test's own. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Pace } from "../../runtime/webgpu/pace.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Seen {
  readonly asked: number;
  readonly found: number;
}

/** Runs that the device does one after the other in `times`, `ahead` of them handed over at once: when each was asked
 * after, and when it was found to be done, both since the run before it was done by the device. */
async function runs(pace: Pace, times: readonly number[], ahead = 1): Promise<Seen[]> {
  const seen: Promise<Seen>[] = [];
  let free = performance.now();
  const submit = (ms: number): Promise<Seen> => {
    const start = Math.max(free, performance.now());
    const end = start + ms;
    free = end;
    const { ready, done } = pace.begin("step");
    return ready.then(async () => {
      const asked = performance.now() - start;
      await new Promise<void>((resolve) => setTimeout(resolve, Math.max(0, end - performance.now())));
      done();
      return { asked, found: performance.now() - start };
    });
  };
  const drive = async () => {
    for (const [i, ms] of times.entries()) {
      if (i >= ahead) await seen[i - ahead];
      seen.push(submit(ms));
    }
    return Promise.all(seen);
  };
  const result = drive();
  await vi.runAllTimersAsync();
  return result;
}

test("a real GPU is asked at once, whatever its runs took", async () => {
  const seen = await runs(new Pace(false), [1000, 1000, 1000]);
  expect(seen).toEqual(Array(3).fill({ asked: 0, found: 1000 }));
});

test.each([1, 2])("a software driver is left alone for most of the time, %i runs ahead", async (ahead) => {
  // The driver compiles in the first, the second is asked after all along, the third tells how long one takes.
  const [, , , ...later] = await runs(new Pace(true), [9000, ...Array<number>(6).fill(1000)], ahead);
  for (const { asked, found } of later) {
    expect(asked).toBeGreaterThan(900);
    expect(asked).toBeLessThan(1000);
    expect(found).toBe(1000);
  }
});

test.each([1, 2])("one slow run does not make those after it slow, %i runs ahead", async (ahead) => {
  const seen = await runs(new Pace(true), [9000, 1000, 1000, 3000, ...Array<number>(9).fill(1000)], ahead);
  expect(seen.slice(-3).map((one) => one.found)).toEqual([1000, 1000, 1000]);
});

test("a run that failed does not keep those after it waiting", async () => {
  const pace = new Pace(true);
  const failed = pace.begin("step");
  const next = pace.begin("step");
  failed.done();
  await expect(next.ready).resolves.toBeUndefined();
});
