/** Tuning records from a file's text, checked field by field: what is wrong is named with its place. */
import type { PlacedSchedule } from "../../compiler/schedule/identity.ts";
import type { TuningRecord } from "../../compiler/schedule/records.ts";
import { KilnError } from "../../runtime/program/error.ts";

/** A file of another format is left alone. */
export const formatVersion = 1;

type Fields = Record<string, unknown>;

interface Kind<T> {
  readonly called: string;
  readonly holds: (value: unknown) => value is T;
}

const kind = <T>(called: string, holds: (value: unknown) => boolean): Kind<T> => ({
  called,
  holds: holds as Kind<T>["holds"],
});

const object = kind<Fields>("an object", (v) => typeof v === "object" && v !== null && !Array.isArray(v));
const list = kind<unknown[]>("a list", Array.isArray);
const string = kind<string>("a string", (v) => typeof v === "string");
const time = kind<number>("a number above 0", (v) => typeof v === "number" && v > 0);
const count = kind<number>("an integer above 0", (v) => Number.isSafeInteger(v) && (v as number) > 0);
const clock = kind<string>('"timestamps", "submits" or "threads"', (v) =>
  ["timestamps", "submits", "threads"].includes(v as string),
);
const schedule = kind<PlacedSchedule>(
  "an object of strings, numbers and booleans",
  (v) => object.holds(v) && Object.values(v).every((x) => /^(string|number|boolean)$/.test(typeof x)),
);

/** Throws KilnError of kind "file": which file, what is wrong with it, what to do. */
export function parseRecords(text: string, path: string): TuningRecord[] {
  const ways = "name another file with --cache FILE, or compile without tuning records: --no-cache";
  const damaged = (problem: string): never => {
    throw new KilnError(
      "file",
      `${path}: the tuning records are damaged: ${problem}.\nNothing was changed. Mend the file or move it away ` +
        `(kiln tune measures anew), ${ways}.`,
    );
  };
  const expect = <T>(value: unknown, where: string, { called, holds }: Kind<T>): T =>
    holds(value)
      ? value
      : damaged(`${where} should be ${called}, found ${value === undefined ? "nothing" : brief(value)}`);
  const field = <T>(of: Fields, at: string, name: string, expected: Kind<T>): T =>
    expect(of[name], at === "" ? name : `${at}.${name}`, expected);
  const each = (of: Fields, at: string, name: string, check: (one: Fields, at: string) => void) =>
    field(of, at, name, list).forEach((value, i) => {
      const where = `${at === "" ? "" : `${at}.`}${name}[${i}]`;
      check(expect(value, where, object), where);
    });

  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    damaged(`they are not JSON (${(cause as Error).message})`);
  }
  const file = expect(json, "the file", object);
  const format = field(file, "", "format", count);
  if (format !== formatVersion)
    throw new KilnError(
      "file",
      `${path} holds tuning records of format ${format}, and this Kiln knows format ${formatVersion}: ${ways}.`,
    );
  each(file, "", "records", (record, at) => {
    for (const name of ["contraction", "adapter", "driver", "candidates", "kernel", "size"])
      field(record, at, name, string);
    each(record, at, "measurements", (measured, where) => {
      field(measured, where, "schedule", schedule);
      field(measured, where, "ms", time);
      field(measured, where, "defaultMs", time);
      field(measured, where, "repeats", count);
      field(measured, where, "clock", clock);
    });
    each(record, at, "rejections", (rejected, where) => {
      field(rejected, where, "schedule", schedule);
      field(rejected, where, "reason", string);
    });
  });
  return file.records as TuningRecord[];
}

function brief(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
