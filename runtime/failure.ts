import { KilnError } from "./program/error.ts";

/** What a device that went away is to whoever waits for it. */
export const lostError = (why: string): KilnError =>
  new KilnError(
    "device-lost",
    `the device was lost: ${why}. What was on it is gone; start again, from the last checkpoint where there is one.`,
  );

/** Remembers the first failure: every pending and later operation fails with that one error. */
export class FailureWatch {
  #failure: KilnError | null = null;
  readonly #pending = new Set<(reason: KilnError) => void>();

  /** Throws what was failed with, if anything. */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /** `promise`, or the failure, whichever comes first. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => {}); // after a failure, no one hears of it
    this.check();
    let reject!: (reason: KilnError) => void;
    const failed = new Promise<never>((_, no) => {
      reject = no;
    });
    this.#pending.add(reject);
    try {
      return await Promise.race([promise, failed]);
    } finally {
      this.#pending.delete(reject);
    }
  }

  fail(error: KilnError): void {
    this.#failure ??= error;
    for (const reject of this.#pending) reject(this.#failure);
    this.#pending.clear();
  }
}
