/** Searches schedules for all contractions of a model, in a given time; what is measured is kept as it goes. */
import type { TuningRecord } from "../../compiler/schedule/records.ts";
import { formatSeconds } from "../output.ts";
import { Progress } from "../progress.ts";
import { addRecords, readRecords, sameKey } from "./cache.ts";
import { type Findings, type SearchOptions, search } from "./search.ts";
import type { Subject } from "./subjects.ts";

export interface TuneOptions extends Omit<SearchOptions, "enough" | "onCandidate" | "keep"> {
  /** File of the records. */
  readonly cache: string;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/**
 * Gives the record of each subject as it is afterwards, undefined where nothing was ever measured. Time goes to the
 * subjects in proportion to their weights; what one leaves over is shared among those after it.
 */
export async function tuneAll(
  subjects: readonly Subject[],
  { cache, seconds, signal, ...options }: TuneOptions,
): Promise<(TuningRecord | undefined)[]> {
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  const progress = new Progress();
  const recordOf = (subject: Subject) => readRecords(cache).find((record) => sameKey(record, subject.key));
  let left = subjects.reduce((sum, { weight }) => sum + weight, 0);
  progress.begin("tuning", subjects.length * options.most);
  try {
    for (const [i, subject] of subjects.entries()) {
      const until = elapsed() + (Math.max(0, seconds - elapsed()) * subject.weight) / left;
      left -= subject.weight;
      let tried = 0;
      const enough = () => signal.aborted || elapsed() >= until;
      const onCandidate = (status: string) =>
        progress.update(
          i * options.most + tried++,
          `${subject.kernel}, ${status}${formatSeconds(Math.max(0, seconds - elapsed()))} left`,
        );
      const { key, kernel, size } = subject;
      const keep = (found: Findings) => addRecords(cache, [{ ...key, kernel, size, ...found }]);
      await search(subject, recordOf(subject), { ...options, enough, onCandidate, keep });
    }
  } finally {
    progress.end();
  }
  const records = readRecords(cache);
  return subjects.map(({ key }) => records.find((record) => sameKey(record, key)));
}
