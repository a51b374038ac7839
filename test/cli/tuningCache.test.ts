/** The file of tuning records: nothing that was measured is ever lost. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addRecords, mergeRecords, readRecords, tuningPath } from "../../cli/tune/cache.ts";
import type { Measurement, TuningRecord } from "../../compiler/schedule/records.ts";
import { KilnError } from "../../runtime/program/error.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kiln-tuning-"));
  path = join(folder, "deep", "tuning.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const measured = (tileRows: number, ms = 5): Measurement => ({
  schedule: { kind: "contraction", transport: "broadcast", tileRows, serialRows: true, rowAxes: "r0,r1" },
  ms,
  defaultMs: 10,
  repeats: 3,
  clock: "timestamps",
});

const record = (contraction: string, more: Partial<TuningRecord> = {}): TuningRecord => ({
  contraction,
  adapter: "mesa llvmpipe on a processor x 2",
  driver: "Mesa 25.0.7",
  candidates: "c0ffee",
  kernel: "conv2d_1",
  size: "4 x 4 x 4",
  measurements: [measured(4)],
  rejections: [{ schedule: { kind: "contraction", tileRows: 8 }, reason: "wrong numbers" }],
  ...more,
});

test("records come back as they were written", async () => {
  const records = [record("a"), record("b", { measurements: [measured(4), measured(8, 0.25)] })];
  await addRecords(path, records);
  expect(readRecords(path)).toEqual(records);
  expect(readdirSync(join(folder, "deep"))).toEqual(["tuning.json"]);
});

test("no file, no records", () => {
  expect(readRecords(path)).toEqual([]);
  expect(tuningPath("given.json")).toBe("given.json");
});

test("what is added joins what is there: by contraction, adapter, driver and candidates", async () => {
  const others: TuningRecord[] = [
    record("b"),
    record("a", { adapter: "SwiftShader" }),
    record("a", { driver: "Mesa 26" }),
    record("a", { candidates: "decade" }),
  ];
  await addRecords(path, [record("a"), ...others]);
  await addRecords(path, [record("a", { measurements: [measured(8)], rejections: [] })]);
  const all = readRecords(path);
  expect(all).toHaveLength(5);
  expect(all[0]).toEqual(record("a", { measurements: [measured(4), measured(8)] }));
  expect(all.slice(1)).toEqual(others);
});

test("the same measurement is kept once, another of the same schedule beside it", () => {
  const again = record("a", { measurements: [measured(4), measured(4, 6)] });
  const [merged] = mergeRecords([record("a")], [again]);
  expect(merged.measurements).toEqual([measured(4), measured(4, 6)]);
  expect(merged.rejections).toHaveLength(1);
});

test("many writers at once lose nothing", async () => {
  await Promise.all(Array.from({ length: 12 }, (_, i) => addRecords(path, [record(`${i}`)])));
  const names = readRecords(path).map(({ contraction }) => Number(contraction));
  expect(names.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
});

test("the lock of a process that has ended stops nobody", async () => {
  await addRecords(path, [record("a")]);
  // No process has the greatest id there may be.
  writeFileSync(`${path}.lock`, `${2 ** 22}`);
  await addRecords(path, [record("b")]);
  expect(readRecords(path)).toHaveLength(2);
  expect(readdirSync(join(folder, "deep"))).toEqual(["tuning.json"]);
});

describe("a damaged file is named, and left alone", () => {
  const whole = JSON.stringify({ format: 1, records: [record("a")] });
  const changed = (change: (file: any) => void): string => {
    const file = JSON.parse(whole);
    change(file);
    return JSON.stringify(file);
  };
  test.each<[string, string, RegExp]>([
    ["cut off", whole.slice(0, -20), /they are not JSON/],
    ["empty", "", /they are not JSON/],
    ["not an object", "[]", /the file should be an object, found \[\]/],
    ["without a format", changed((f) => delete f.format), /format should be an integer above 0, found nothing/],
    ["without records", changed((f) => delete f.records), /records should be a list, found nothing/],
    ["a record that is none", changed((f) => f.records.push(7)), /records\[1\] should be an object, found 7/],
    ["no driver", changed((f) => delete f.records[0].driver), /records\[0\]\.driver should be a string/],
    [
      "a time of 0",
      changed((f) => {
        f.records[0].measurements[0].ms = 0;
      }),
      /records\[0\]\.measurements\[0\]\.ms should be a number above 0, found 0/,
    ],
    [
      "a schedule that is none",
      changed((f) => {
        f.records[0].measurements[0].schedule = { tileRows: [1] };
      }),
      /measurements\[0\]\.schedule should be an object of strings, numbers and booleans/,
    ],
    [
      "a refusal without a reason",
      changed((f) => {
        f.records[0].rejections[0].reason = null;
      }),
      /rejections\[0\]\.reason should be a string, found null/,
    ],
    [
      "of a later format",
      changed((f) => {
        f.format = 2;
      }),
      /format 2, and this Kiln knows format 1/,
    ],
  ])("%s", async (_, text, message) => {
    path = join(folder, "tuning.json");
    writeFileSync(path, text);
    const failure = await addRecords(path, [record("b")]).catch((error) => error);
    expect(failure).toBeInstanceOf(KilnError);
    expect(failure.message).toMatch(message);
    expect(failure.message).toMatch(/tuning\.json.*--cache FILE.*--no-cache/s);
    expect(() => readRecords(path)).toThrow(message);
    expect(readFileSync(path, "utf8")).toBe(text);
    expect(readdirSync(folder)).toEqual(["tuning.json"]);
  });
});
