/** When a software driver is asked whether it is done. Time is the test's own. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Pace } from "../../runtime/pace.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** One run that the device does in `ms`: when it was asked after, and when it was found to be done. */
async function run(pace: Pace, ms: number): Promise<{ asked: number; found: number }> {
  const start = performance.now();
  const { ready, done } = pace.begin("step");
  let asked = Number.NaN;
  const finished = ready.then(async () => {
    asked = performance.now() - start;
    await new Promise<void>((resolve) => setTimeout(resolve, Math.max(0, ms - asked)));
    done();
  });
  await vi.runAllTimersAsync();
  await finished;
  return { asked, found: performance.now() - start };
}

test("a real GPU is asked at once, whatever its runs took", async () => {
  const pace = new Pace(false);
  for (let i = 0; i < 4; i++) expect(await run(pace, 1000)).toEqual({ asked: 0, found: 1000 });
});

test("a software driver is left alone for most of the time that its runs take", async () => {
  const pace = new Pace(true);
  await run(pace, 9000); // the driver compiles
  await run(pace, 1000);
  const { asked, found } = await run(pace, 1000);
  expect(asked).toBeGreaterThan(900);
  expect(asked).toBeLessThan(1000);
  expect(found).toBe(1000);
});

test("one slow run does not make those after it slow", async () => {
  const pace = new Pace(true);
  for (const ms of [9000, 1000, 1000, 3000]) await run(pace, ms);
  const after: number[] = [];
  for (let i = 0; i < 6; i++) after.push((await run(pace, 1000)).found);
  expect(after.slice(-2)).toEqual([1000, 1000]);
});
