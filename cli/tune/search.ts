/** Measures candidates for one contraction on the device: against the default schedule, in turns, results checked. */

import { extentOf } from "../../compiler/ir/index.ts";
import type { Kernel } from "../../compiler/ir/kernel.ts";
import { candidates, scheduleKey } from "../../compiler/schedule/candidates.ts";
import { byCost } from "../../compiler/schedule/cost.ts";
import { fromPlaces, toPlaces } from "../../compiler/schedule/identity.ts";
import { scheduleGroup } from "../../compiler/schedule/index.ts";
import type { Measurement, Rejection, TuningRecord } from "../../compiler/schedule/records.ts";
import { type ContractionSchedule, defaultSchedule, textureBytesOf } from "../../compiler/schedule/tile.ts";
import type { Device } from "../../runtime/device.ts";
import { KilnError } from "../../runtime/program/error.ts";
import type { Target } from "../../runtime/program/schema.ts";
import { difference } from "./compare.ts";
import { KernelBench, type Runnable } from "./kernelBench.ts";
import { CandidatePlan } from "./plan.ts";
import type { Subject } from "./subjects.ts";

export interface SearchOptions {
  readonly device: Device;
  readonly target: Target;
  /** Candidates measured in all, earlier runs counted in. */
  readonly most: number;
  /** Whether to stop: time is up, or somebody wishes so. What was measured until then counts. */
  readonly enough: () => boolean;
  readonly onCandidate?: (status: string) => void;
  /** Keeps measurements and rejections: called every few candidates, with what is new. */
  readonly keep: (found: Findings) => Promise<void>;
  /** What makes a kernel of a schedule; the compiler, where not given. */
  readonly build?: (schedule: ContractionSchedule) => Kernel;
}

/** Candidates that are measured together, in turns. */
const together = 3;
/** Runs of each in a group; one that is this much slower than the best is left out after its first. */
const runs = 3;
const hopeless = 1.5;
/** The best of all are measured once more, so that luck alone does not win. */
const finalists = 3;
const finalRuns = 7;

interface Candidate {
  readonly schedule: ContractionSchedule;
  readonly runnable: Runnable;
}

export type Findings = Pick<TuningRecord, "measurements" | "rejections">;

/** Measures what `known` does not have yet, and hands on what is new as it comes. */
export async function search(subject: Subject, known: TuningRecord | undefined, options: SearchOptions): Promise<void> {
  const { contraction: c, program, group, textureBytes } = subject;
  const { device, target, enough, onCandidate, keep } = options;
  const build =
    options.build ??
    ((schedule: ContractionSchedule) => scheduleGroup(group, { program, target, choose: () => schedule }));
  const standard = defaultSchedule(c, target);
  const measurements: Measurement[] = [];
  const rejections: Rejection[] = [];
  const all = () => [...(known?.measurements ?? []), ...measurements];
  const done = [...all(), ...(known?.rejections ?? [])].map(({ schedule }) => fromPlaces(c, schedule));
  // With fewer textures than it wanted, the default is another schedule: that is what there is to beat, so it comes first.
  const fitting = candidates(c, target).filter((s) => textureBytesOf(c, s) <= textureBytes);
  const small = defaultSchedule(c, target, textureBytes);
  const plan = new CandidatePlan(
    [small, ...byCost(c, fitting, target).filter((s) => scheduleKey(s) !== scheduleKey(small))],
    [standard, ...done],
    options.most - new Set(done.map(scheduleKey)).size,
  );
  const best = (): ContractionSchedule => {
    const [first] = all().sort((x, y) => x.ms / x.defaultMs - y.ms / y.defaultMs);
    return first && first.ms < first.defaultMs ? fromPlaces(c, first.schedule) : standard;
  };
  if (plan.left === 0 || enough()) return;

  const bench = new KernelBench(device, c, program, target);
  try {
    const usual: Candidate = { schedule: standard, runnable: await bench.prepare(build(standard)) };
    const expected = await bench.outputs(usual.runnable);
    const ready = async (schedule: ContractionSchedule): Promise<Candidate | null> => {
      const reject = (reason: string) => {
        rejections.push({ schedule: toPlaces(c, schedule), reason });
        return null;
      };
      try {
        const runnable = await bench.prepare(build(schedule));
        const problem = difference(await bench.outputs(runnable), expected, extentOf(c.inner));
        if (!problem) return { schedule, runnable };
        bench.release(runnable);
        return reject(problem);
      } catch (error) {
        if (error instanceof KilnError && error.kind === "validation") return reject(error.message);
        throw error;
      }
    };
    const record = (found: readonly Timed[], defaultMs: number, repeats: number) => {
      for (const { schedule, ms } of found)
        measurements.push({ schedule: toPlaces(c, schedule), ms, defaultMs, repeats, clock: bench.clock });
    };

    const kept = { measurements: 0, rejections: 0 };
    const keepNew = async () => {
      const found = {
        measurements: measurements.slice(kept.measurements),
        rejections: rejections.slice(kept.rejections),
      };
      kept.measurements = measurements.length;
      kept.rejections = rejections.length;
      await keep(found);
    };

    let usualMs = 0;
    for (;;) {
      const batch: Candidate[] = [];
      while (batch.length < together && plan.left > 0 && !enough()) {
        onCandidate?.(describeBest(all()));
        const candidate = await ready(plan.next(best()));
        if (candidate) batch.push(candidate);
      }
      if (batch.length === 0) break;
      const first = await turns(bench, [usual, ...batch], 1, usualMs);
      const [limit] = first.map(({ ms }) => hopeless * ms).sort((x, y) => x - y);
      const hopeful = first.slice(1).filter(({ ms }) => ms <= limit);
      record(
        first.slice(1).filter((timed) => !hopeful.includes(timed)),
        first[0].ms,
        1,
      );
      usualMs = first[0].ms;
      if (hopeful.length > 0) {
        const [again, ...others] = await turns(bench, [usual, ...hopeful], runs - 1, usualMs);
        usualMs = Math.min(usualMs, again.ms);
        record(
          others.map((timed, i) => ({ ...timed, ms: Math.min(timed.ms, hopeful[i].ms) })),
          usualMs,
          runs,
        );
      }
      for (const { runnable } of batch) bench.release(runnable); // each has memory of its own
      await keepNew();
    }
    const finals = measurements
      .filter((m) => m.ms < m.defaultMs && m.repeats >= runs)
      .sort((x, y) => x.ms / x.defaultMs - y.ms / y.defaultMs)
      .slice(0, finalists);
    if (finals.length > 0) {
      const entrants: Candidate[] = [];
      for (const { schedule: placed } of finals) {
        const schedule = fromPlaces(c, placed);
        entrants.push({ schedule, runnable: await bench.prepare(build(schedule)) });
      }
      const [again, ...others] = await turns(bench, [usual, ...entrants], finalRuns, usualMs);
      record(others, again.ms, finalRuns);
    }
    await keepNew();
  } finally {
    bench.destroy();
  }
}

type Timed = Candidate & { readonly ms: number };

/** Runs all of them in turn, `repeats` times: the least time of each. */
async function turns(
  bench: KernelBench,
  among: readonly Candidate[],
  repeats: number,
  expected: number,
): Promise<Timed[]> {
  const least = among.map(() => Number.POSITIVE_INFINITY);
  for (let run = 0; run < repeats; run++) {
    const times = await bench.time(
      among.map(({ runnable }) => runnable),
      expected,
    );
    times.forEach((ms, i) => {
      least[i] = Math.min(least[i], ms);
    });
  }
  return among.map((candidate, i) => ({ ...candidate, ms: least[i] }));
}

function describeBest(measurements: readonly Measurement[]): string {
  const [best] = [...measurements].sort((x, y) => x.ms / x.defaultMs - y.ms / y.defaultMs);
  if (!best) return "";
  return `default ${best.defaultMs.toFixed(2)} ms, best ${best.ms.toFixed(2)} ms, `;
}
