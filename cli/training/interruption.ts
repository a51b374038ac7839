/** Ctrl-C: the first lets the step under way end, the second ends the process. */
import { Interrupted } from "../errors.ts";
import { say } from "../output.ts";

export class Interruption {
  readonly #controller = new AbortController();
  readonly #stop = () => {
    if (this.#controller.signal.aborted) process.exit(130);
    say("Stopping after the step under way (Ctrl-C again: at once) ...");
    this.#controller.abort(new Interrupted());
  };

  constructor() {
    process.on("SIGINT", this.#stop);
    process.on("SIGTERM", this.#stop);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    process.off("SIGINT", this.#stop);
    process.off("SIGTERM", this.#stop);
  }
}
