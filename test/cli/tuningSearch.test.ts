/** The search on a device: what it measures, and that no wrong or refused candidate wins. */
import { expect, test } from "vitest";
import { difference, tolerance } from "../../cli/tune/compare.ts";
import { CandidatePlan } from "../../cli/tune/plan.ts";
import { type Findings, search } from "../../cli/tune/search.ts";
import { subjectsOf } from "../../cli/tune/subjects.ts";
import { compileGraph } from "../../compiler/compileGraph.ts";
import type { Kernel } from "../../compiler/ir/kernel.ts";
import { distance, scheduleKey } from "../../compiler/schedule/candidates.ts";
import { scheduleGroup } from "../../compiler/schedule/index.ts";
import { bestMeasurement, type TuningRecord } from "../../compiler/schedule/records.ts";
import { type ContractionSchedule, defaultSchedule } from "../../compiler/schedule/tile.ts";
import { openDevice } from "../../runtime/node/device.ts";
import { model } from "../kernel/models.ts";
import { adapterNames, deviceNames } from "../runtime/devices.ts";

const small = model([4, 3, 8, 8], (call, x) => {
  x = call("relu", call("conv2d", x, { channels: 32, kernel: 3 }));
  return call("dense", call("flatten", x), { units: 16 });
});
const adapter = { adapter: "any", driver: "any" };

type Build = (schedule: ContractionSchedule, kernel: Kernel) => Kernel;

/** Searches for the contractions of a step of a small network; `change` has a hand in each candidate's kernel. */
async function searchSmall(adapterName: string, most: number, change: Build = (_, kernel) => kernel) {
  const { device, target } = await openDevice({ adapter: adapterName });
  const { model: compiled } = compileGraph(small, { target, velocity: true, entries: ["step", "forward"] });
  const found: { standard: ContractionSchedule; record: TuningRecord }[] = [];
  for (const subject of subjectsOf(compiled, adapter, target)) {
    const { key, kernel, size, contraction, group, program } = subject;
    const standard = defaultSchedule(contraction, target);
    let record: TuningRecord = { ...key, kernel, size, measurements: [], rejections: [] };
    const keep = async ({ measurements, rejections }: Findings) => {
      record = {
        ...record,
        measurements: [...record.measurements, ...measurements],
        rejections: [...record.rejections, ...rejections],
      };
    };
    await search(subject, undefined, {
      device,
      target,
      most,
      enough: () => false,
      keep,
      build: (schedule) => {
        const right = scheduleGroup(group, { program, target, choose: () => schedule });
        return scheduleKey(schedule) === scheduleKey(standard) ? right : change(schedule, right);
      },
    });
    found.push({ standard, record });
  }
  device.destroy();
  return found;
}

test.each(deviceNames)("measures as many as asked for, right ones, on %s", async (name) => {
  const found = await searchSmall(name, 3);
  // Two layers forward, two weight gradients, and the input gradient of the second, one of them perhaps no contraction.
  expect(found.length).toBeGreaterThanOrEqual(4);
  for (const { record } of found) {
    expect(record.rejections).toEqual([]);
    expect(new Set(record.measurements.map(({ schedule }) => scheduleKey(schedule))).size).toBe(3);
    for (const { ms, defaultMs } of record.measurements) expect(Math.min(ms, defaultMs)).toBeGreaterThan(0);
  }
});

/** Half of the work left out: faster, and wrong. */
const half: Build = (_, kernel) => {
  const [x, y, z] = kernel.workgroups;
  return {
    ...kernel,
    workgroups: x > 1 ? [Math.ceil(x / 2), y, z] : [x, Math.ceil(y / 2), z],
    body: kernel.body.slice(0, -1),
  };
};

test("wrong candidates never win, and are told", async () => {
  const found = await searchSmall(adapterNames[0], 4, half);
  for (const { record } of found) {
    expect(record.measurements).toEqual([]);
    expect(record.rejections).toHaveLength(4);
    for (const { reason } of record.rejections)
      expect(reason).toMatch(/^\d+ of \d+ elements differ from the default schedule's, by up to /);
    expect(bestMeasurement(record)).toBeUndefined();
  }
});

test("a right candidate is found among wrong ones", async () => {
  const isRight = (s: { readonly serialRows?: unknown; readonly unroll?: unknown }) => Number(s.unroll) % 2 === 1;
  const found = await searchSmall(adapterNames[0], 5, (s, kernel) => (isRight(s) ? kernel : half(s, kernel)));
  const all = found.map(({ record }) => record);
  expect(all.flatMap(({ measurements }) => measurements).length).toBeGreaterThan(0);
  expect(all.flatMap(({ rejections }) => rejections).length).toBeGreaterThan(0);
  for (const { measurements, rejections } of all) {
    expect(measurements.filter(({ schedule }) => !isRight(schedule))).toEqual([]);
    expect(rejections.filter(({ schedule }) => isRight(schedule))).toEqual([]);
  }
});

test("what the driver refuses is passed over", async () => {
  const refused: Build = (_, kernel) => ({ ...kernel, workgroupSize: 2 ** 20 });
  for (const { record } of await searchSmall(adapterNames[0], 2, refused)) {
    expect(record.measurements).toEqual([]);
    expect(record.rejections.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/kernel .*workgroup/is),
      expect.stringMatching(/kernel .*workgroup/is),
    ]);
  }
});

// ---------------------------------------------------------------- without a device

test("another order of sums is allowed for, anything else is not", () => {
  const terms = 1024;
  const expected = Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i) * Math.sqrt(terms));
  const off = (i: number, by: number) => [expected.map((x, j) => (i === j ? x + by : x))];
  const size = Math.sqrt(terms / 2);
  expect(difference([expected], [expected], terms)).toBeNull();
  expect(difference(off(7, 0.5 * tolerance(terms) * size), [expected], terms)).toBeNull();
  expect(difference(off(7, 2 * tolerance(terms) * size), [expected], terms)).toMatch(/^1 of 4096 elements/);
  expect(difference(off(7, Number.NaN), [expected], terms)).toMatch(/^1 of 4096 elements/);
  // An element that was never written, and a term that was left out of one sum of a thousand.
  expect(difference(off(7, -expected[7]), [expected], terms)).toMatch(/^1 of/);
  expect(difference(off(7, 0.5), [expected], terms)).toMatch(/^1 of/);
  // The second tensor counts as much as the first.
  expect(difference([expected, ...off(3, 1)], [expected, expected], terms)).toMatch(/^1 of/);
});

test("the plan looks far first, then round the best", () => {
  const schedules = Array.from({ length: 6 }, (_, i) =>
    Array.from({ length: 6 }, (_, j) => ({ tileRows: 4 * (i + 1), unroll: j + 1 }) as unknown as ContractionSchedule),
  ).flat();
  const standard = schedules[0];
  const plan = new CandidatePlan(schedules, [standard], 8);
  expect(plan.left).toBe(8);
  const first = Array.from({ length: 4 }, () => plan.next(standard));
  for (const [i, a] of [standard, ...first].entries())
    for (const b of [standard, ...first].slice(i + 1)) expect(distance(a, b)).toBe(2);
  const best = first[1];
  const then = Array.from({ length: 4 }, () => plan.next(best));
  for (const s of then) expect(distance(s, best)).toBe(1);
  expect(plan.left).toBe(0);
  expect(new Set([standard, ...first, ...then]).size).toBe(9);
  expect(new CandidatePlan(schedules.slice(0, 3), [standard], 8).left).toBe(2);
});
