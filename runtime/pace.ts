/** Share of a run's expected time that passes before anyone asks whether it is done. */
const share = 0.92;
/**
 * A run that had finished when it was asked after may have done so long before: the next one is expected to take so much
 * of what this one did, until the question comes before the answer again.
 */
const sooner = 0.8;
/** What is answered within this share of a run's time had been finished already. */
const atOnce = 0.02;
/** Runs shorter than this are waited for at once, ms: a timer is no finer. */
const shortest = 20;

/**
 * When to ask the device whether a run is done. Dawn's Node binding polls without pause while anything is pending, which
 * takes a core from a software driver that wants them all; so on such an adapter the first question waits until most of
 * the time that the run is expected to take has passed. In a tab, and on a GPU, it costs nothing to ask at once.
 */
export class Pace {
  /** How long each kind of run is expected to take, ms; its first run, in which a driver compiles, is not counted. */
  readonly #last = new Map<string, number | null>();
  /** When the device is expected to be done with all that was handed to it, and when it last was. */
  #expectedEnd = 0;
  #lastEnd = 0;
  /** Runs handed over and not finished. */
  #ahead = 0;

  constructor(private readonly software: boolean) {}

  /** Call when a run is handed over; `ready` resolves when it is time to ask, `done` notes that it is finished. */
  begin(kind: string): { ready: Promise<void>; done: () => void } {
    const start = performance.now();
    this.#ahead++;
    const expected = this.#last.get(kind) ?? 0;
    this.#expectedEnd = Math.max(start, this.#expectedEnd) + expected;
    const wait = this.#expectedEnd - (1 - share) * expected - start;
    const patient = this.software && expected * share > shortest;
    let asked = Number.NEGATIVE_INFINITY;
    const waited = () => {
      asked = performance.now();
    };
    const ready = patient ? new Promise<void>((resolve) => setTimeout(resolve, wait)).then(waited) : Promise.resolve();
    const done = () => {
      const end = performance.now();
      const took = end - Math.max(start, this.#lastEnd);
      const overslept = end - asked < atOnce * took;
      this.#last.set(kind, !this.#last.has(kind) ? null : overslept ? sooner * took : took);
      this.#lastEnd = end;
      this.#ahead--;
      // What is still under way begins now.
      this.#expectedEnd = end + this.#ahead * (this.#last.get(kind) ?? 0);
    };
    return { ready, done };
  }
}
