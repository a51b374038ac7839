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
  readonly #expected = new Map<string, number | null>();
  /** Settles when all runs handed over so far are finished. */
  #idle: Promise<void> = Promise.resolve();

  constructor(private readonly software: boolean) {}

  /**
   * Call when a run is handed over; `ready` resolves when it is time to ask, `done` notes that it is finished, or has
   * failed. Runs finish in the order in which they were handed over.
   */
  begin(kind: string): { ready: Promise<void>; done: () => void } {
    if (!this.software) return { ready: Promise.resolve(), done: () => {} };
    const before = this.#idle;
    let finish = () => {};
    this.#idle = new Promise((resolve) => {
      finish = resolve;
    });
    let began = performance.now();
    let asked = Number.NEGATIVE_INFINITY;
    const wait = async () => {
      await before;
      // The device was busy until now with what came before.
      began = Math.max(began, performance.now());
      const time = share * (this.#expected.get(kind) ?? 0);
      if (time < shortest) return;
      await new Promise<void>((resolve) => setTimeout(resolve, time));
      asked = performance.now();
    };
    const done = () => {
      const end = performance.now();
      const took = end - began;
      const overslept = end - asked < atOnce * took;
      // One that was asked after all along had a core less.
      const rest = asked < began ? sooner ** 2 : overslept ? sooner : 1;
      this.#expected.set(kind, this.#expected.has(kind) ? rest * took : null);
      finish();
    };
    return { ready: wait(), done };
  }
}
