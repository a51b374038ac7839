/** Measurements of schedules, and the choice that follows from them. Pure data: `kiln tune` keeps them in a file. */
import type { Target } from "../../runtime/program/schema.ts";
import { candidateChecksum, scheduleKey } from "./candidates.ts";
import type { Contraction } from "./contraction.ts";
import { contractionHash, fromPlaces, type PlacedSchedule, toPlaces } from "./identity.ts";
import type { ScheduleChoice } from "./index.ts";
import { isValidSchedule, textureBytesOf } from "./tile.ts";

export interface Measurement {
  readonly schedule: PlacedSchedule;
  /** Least of `repeats` runs, taken in turns with as many of the default schedule. */
  readonly ms: number;
  readonly defaultMs: number;
  readonly repeats: number;
  /** The device's timestamps, or time on this side around a submit. */
  /** How time was taken: see runtime/profile.ts. */
  readonly clock: "timestamps" | "submits" | "threads";
}

/** A candidate that must not win: its numbers were wrong, or the driver refused it. */
export interface Rejection {
  readonly schedule: PlacedSchedule;
  readonly reason: string;
}

/** What a tuning record is kept under. Another value of any of these, and it does not count. */
export interface RecordKey {
  /** contractionHash */
  readonly contraction: string;
  readonly adapter: string;
  readonly driver: string;
  /** candidateChecksum */
  readonly candidates: string;
}

export interface TuningRecord extends RecordKey {
  /** For people: the kernel that was measured, and rows x columns x terms. */
  readonly kernel: string;
  readonly size: string;
  readonly measurements: readonly Measurement[];
  readonly rejections: readonly Rejection[];
}

/** Repeats scatter by a few percent: what gains less has not been shown to gain. */
const leastGain = 0.03;

/**
 * The fastest schedule of a record, if one is faster than the default: by its most careful measurement, the last of
 * equals. Where only some schedules are `allowed`, it must be faster than `instead`, the one taken otherwise; one that
 * was not measured is taken to be as fast as the default.
 */
export function bestMeasurement(
  { measurements, rejections }: TuningRecord,
  allowed: (s: PlacedSchedule) => boolean = () => true,
  instead?: PlacedSchedule,
): Measurement | undefined {
  const settled = new Map<string, Measurement>();
  for (const m of measurements) {
    const key = scheduleKey(m.schedule);
    if (m.repeats >= (settled.get(key)?.repeats ?? 0)) settled.set(key, m);
  }
  for (const { schedule } of rejections) settled.delete(scheduleKey(schedule));
  const ratio = (m: Measurement) => m.ms / m.defaultMs;
  const [best] = [...settled.values()].filter((m) => allowed(m.schedule)).sort((x, y) => ratio(x) - ratio(y));
  const other = instead && settled.get(scheduleKey(instead));
  return best && ratio(best) <= (1 - leastGain) * (other ? ratio(other) : 1) ? best : undefined;
}

export interface Adapter {
  readonly adapter: string;
  readonly driver: string;
}

/** How the records fared in a compilation, before its plan looks for memory: contractions by hash. */
export interface ChoiceUse {
  /** Compiled with a schedule that was measured to be faster. */
  readonly tuned: ReadonlySet<string>;
  /** Measured, and the default is best. */
  readonly kept: ReadonlySet<string>;
  /** Measured only under another driver or with other candidates. */
  readonly stale: ReadonlySet<string>;
}

/** Chooses what was measured to be fastest on this adapter; the default where nothing was, or not with what is now. */
export function choiceFrom(
  records: readonly TuningRecord[],
  { adapter, driver }: Adapter,
  target: Target,
): { choose: ScheduleChoice; use: ChoiceUse } {
  const own = new Map<string, TuningRecord[]>();
  for (const record of records)
    if (record.adapter === adapter) own.set(record.contraction, [...(own.get(record.contraction) ?? []), record]);
  const use = { tuned: new Set<string>(), kept: new Set<string>(), stale: new Set<string>() };
  // A contraction is asked for again and again where a plan looks for memory.
  const known = new Map<Contraction, { hash: string; record: TuningRecord | undefined } | null>();
  const lookUp = (c: Contraction) => {
    const before = known.get(c);
    if (before !== undefined) return before;
    const hash = contractionHash(c);
    const all = own.get(hash);
    const record = all?.find((r) => r.driver === driver && r.candidates === candidateChecksum(c, target));
    const found = all ? { hash, record } : null;
    known.set(c, found);
    return found;
  };
  const choose: ScheduleChoice = (c, standard, textureBytes) => {
    const found = own.size === 0 ? null : lookUp(c);
    if (!found) return standard;
    const { hash, record } = found;
    const isSmall = (s: PlacedSchedule) => textureBytesOf(c, fromPlaces(c, s)) <= textureBytes;
    const best = record && bestMeasurement(record, isSmall, toPlaces(c, standard));
    const schedule = best && fromPlaces(c, best.schedule);
    const valid = schedule && isValidSchedule(c, schedule, target);
    if (textureBytes === Number.POSITIVE_INFINITY)
      (!record || (schedule && !valid) ? use.stale : valid ? use.tuned : use.kept).add(hash);
    return valid ? schedule : standard;
  };
  return { choose, use };
}
