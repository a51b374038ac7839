/** The file that keeps tuning records: every measurement ever taken, on whatever adapter. */
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { scheduleKey } from "../../compiler/schedule/candidates.ts";
import type { Measurement, RecordKey, Rejection, TuningRecord } from "../../compiler/schedule/records.ts";
import { cacheFolder } from "../../runtime/node/cacheFolder.ts";
import { fileError, writeFileAtomically } from "../../runtime/node/files.ts";
import { withLock } from "./lock.ts";
import { formatVersion, parseRecords } from "./parseRecords.ts";

/** `--cache`, else $KILN_TUNING_CACHE, else tuning.json in Kiln's cache folder. */
export const tuningPath = (option: string | undefined): string =>
  option ?? (process.env.KILN_TUNING_CACHE || join(cacheFolder(), "tuning.json"));

/**
 * The records of a file; none where it does not exist.
 * @throws KilnError of kind "file" that names the file and what is wrong with it; it is never changed then
 */
export function readRecords(path: string): TuningRecord[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw fileError(path, "the tuning records cannot be read", cause);
  }
  return parseRecords(text, path);
}

/**
 * Adds records to a file: what is in it by now stays, whoever wrote it.
 * @throws KilnError of kind "file" where the file is damaged, or cannot be written; it is left as it was
 */
export async function addRecords(path: string, records: readonly TuningRecord[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch((cause) => {
    throw fileError(path, "cannot be written", cause);
  });
  await withLock(path, async () => {
    const all = mergeRecords(readRecords(path), records);
    await writeFileAtomically(path, formatRecords(all));
  });
}

/** One record a line, so that a person finds one, and a diff shows what came new. */
export const formatRecords = (records: readonly TuningRecord[]): string =>
  `{"format":${formatVersion},"records":[\n${records.map((record) => JSON.stringify(record)).join(",\n")}\n]}\n`;

const keyOf = ({ contraction, adapter, driver, candidates }: RecordKey): string =>
  JSON.stringify([contraction, adapter, driver, candidates]);

export const sameKey = (a: RecordKey, b: RecordKey): boolean => keyOf(a) === keyOf(b);

/** The records of both, those of one key as one; measurements in order, what both have once. */
export function mergeRecords(before: readonly TuningRecord[], added: readonly TuningRecord[]): TuningRecord[] {
  const merged = new Map<string, TuningRecord>();
  for (const record of [...before, ...added]) {
    const known = merged.get(keyOf(record));
    merged.set(keyOf(record), {
      ...(known ?? record),
      measurements: distinct([...(known?.measurements ?? []), ...record.measurements]),
      rejections: distinct([...(known?.rejections ?? []), ...record.rejections]),
    });
  }
  return [...merged.values()];
}

function distinct<T extends Measurement | Rejection>(list: readonly T[]): T[] {
  const text = ({ schedule, ...rest }: T) => `${scheduleKey(schedule)} ${JSON.stringify(Object.entries(rest).sort())}`;
  return [...new Map(list.map((one) => [text(one), one])).values()];
}
