/** What tuning found, contraction by contraction: figures and a table. */
import { scheduleKey } from "../../compiler/schedule/candidates.ts";
import { type PlacedSchedule, toPlaces } from "../../compiler/schedule/identity.ts";
import { bestMeasurement, type TuningRecord } from "../../compiler/schedule/records.ts";
import { defaultSchedule } from "../../compiler/schedule/tile.ts";
import type { Target } from "../../runtime/program/schema.ts";
import { formatTable } from "../table.ts";
import type { Subject } from "./subjects.ts";

export interface TunedKernel {
  readonly kernel: string;
  /** rows x columns x terms */
  readonly size: string;
  /** Dispatches in a step. */
  readonly uses: number;
  /** Of the default schedule, and of the best; null where nothing was measured. */
  readonly beforeMs: number | null;
  readonly afterMs: number | null;
  /** Of the ceiling, as the best schedule has it. */
  readonly percentOfPeak: number | null;
  /** Candidates with times, and those refused. */
  readonly measured: number;
  readonly rejected: number;
  /** Axes by role and place: r0, k1. The default where that is best. */
  readonly schedule: PlacedSchedule;
  /** The parameters in which the best differs from the default. */
  readonly changes: PlacedSchedule;
}

export function tunedKernel(
  { contraction: c, kernel, size, uses }: Subject,
  record: TuningRecord | undefined,
  target: Target,
  peakGflops: number,
): TunedKernel {
  const standard = toPlaces(c, defaultSchedule(c, target));
  const best = record && bestMeasurement(record);
  const defaultTimes = record?.measurements.map(({ defaultMs }) => defaultMs) ?? [];
  const beforeMs = best?.defaultMs ?? (defaultTimes.length > 0 ? Math.min(...defaultTimes) : null);
  const afterMs = best?.ms ?? beforeMs;
  const schedule = best?.schedule ?? standard;
  const operations = 2 * c.products;
  return {
    kernel,
    size,
    uses,
    beforeMs,
    afterMs,
    percentOfPeak: afterMs === null ? null : (100 * operations) / (afterMs * 1e6 * peakGflops),
    measured: new Set(record?.measurements.map((m) => scheduleKey(m.schedule))).size,
    rejected: record?.rejections.length ?? 0,
    schedule,
    changes: Object.fromEntries(Object.entries(schedule).filter(([name, value]) => standard[name] !== value)),
  };
}

/** Milliseconds of a step's contractions; those that were not measured are left out of both. */
export function totals(kernels: readonly TunedKernel[]): { beforeMs: number; afterMs: number } {
  const sum = (ms: (k: TunedKernel) => number | null) => kernels.reduce((n, k) => n + k.uses * (ms(k) ?? 0), 0);
  return { beforeMs: sum((k) => k.beforeMs), afterMs: sum((k) => k.afterMs) };
}

export function formatKernels(kernels: readonly TunedKernel[]): string {
  const rows = kernels.map((k) => [
    k.kernel,
    k.size,
    `${k.uses}`,
    ...(k.beforeMs === null
      ? ["not measured", "", ""]
      : [k.beforeMs.toFixed(2), k.afterMs!.toFixed(2), k.percentOfPeak!.toFixed(1)]),
    `${k.measured}${k.rejected > 0 ? ` (${k.rejected} refused)` : ""}`,
    k.beforeMs === null ? "" : describeChanges(k.changes),
  ]);
  const head = ["kernel", "rows x columns x terms", "uses", "before ms", "after ms", "% of ceiling", "measured"];
  return formatTable([...head, "schedule"], rows, ["kernel", "rows x columns x terms", "schedule"]);
}

const describeChanges = (changes: PlacedSchedule): string =>
  Object.entries(changes)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ") || "default";
