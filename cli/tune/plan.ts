/** Which candidate to measure next. */
import { distance, scheduleKey } from "../../compiler/schedule/candidates.ts";
import type { ContractionSchedule } from "../../compiler/schedule/tile.ts";

/**
 * Half of the measurements go to the candidates that should be cheapest, no two of them alike but for one parameter: the
 * model's order is rough. The other half goes round the best one found: those that differ from it in one parameter,
 * cheapest first, then whatever should be cheapest.
 */
export class CandidatePlan {
  /** Not measured yet, in order of cost. */
  private open: ContractionSchedule[];
  private readonly seen: ContractionSchedule[];
  private taken = 0;

  /** `ranked` is in order of cost; `done` needs no measurement. `most` counts what is still to be measured. */
  constructor(
    ranked: readonly ContractionSchedule[],
    done: readonly ContractionSchedule[],
    private readonly most: number,
  ) {
    const keys = new Set(done.map(scheduleKey));
    this.open = ranked.filter((s) => !keys.has(scheduleKey(s)));
    this.seen = [...done];
  }

  /** How many there are still to take. */
  get left(): number {
    return Math.max(0, Math.min(this.most - this.taken, this.open.length));
  }

  /** The next to measure, where any is left. */
  next(best: ContractionSchedule): ContractionSchedule {
    const exploring = 2 * this.taken < this.most;
    const wanted = exploring
      ? this.open.find((s) => this.seen.every((other) => distance(s, other) > 1))
      : this.open.find((s) => distance(s, best) === 1);
    const chosen = wanted ?? this.open[0];
    this.open = this.open.filter((s) => s !== chosen);
    this.seen.push(chosen);
    this.taken++;
    return chosen;
  }
}
