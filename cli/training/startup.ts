/** How long a run takes until its first step is done, and who spends it: a line of the log. */

/** Seconds. */
export interface StartEvent {
  readonly event: "start";
  /** From the start of the process to the first loss. */
  readonly firstStepSeconds: number;
  /** Kiln's compiler; 0 where a kept artifact is run. */
  readonly compileSeconds: number;
  /** The driver's share: pipelines, memory and initial state, and what the first step took beyond the second, since
   * drivers compile when a kernel first runs. */
  readonly driverSeconds: number;
}

/** Measures a start. `performance.now()` counts from the start of the process. */
export class StartClock {
  #compile = 0;
  #session = 0;
  #began = 0;
  #steps: number[] = [];

  async compile<T>(work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await work();
    this.#compile = performance.now() - start;
    return result;
  }

  async session<T>(work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await work();
    this.#began = performance.now();
    this.#session = this.#began - start;
    return result;
  }

  /** Call for each loss; gives the event once, when the second is there. */
  step(): StartEvent | null {
    this.#steps.push(performance.now());
    if (this.#steps.length !== 2) return null;
    const [first, second] = this.#steps;
    const seconds = (ms: number) => Math.round(ms) / 1000;
    return {
      event: "start",
      firstStepSeconds: seconds(first),
      compileSeconds: seconds(this.#compile),
      driverSeconds: seconds(this.#session + Math.max(0, first - this.#began - (second - first))),
    };
  }
}
