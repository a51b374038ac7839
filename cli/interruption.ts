/** Ctrl-C: the first lets what is under way end, the second ends the process. */
import { Interrupted } from "./errors.ts";
import { say } from "./output.ts";

export class Interruption {
  readonly #controller = new AbortController();
  readonly #stop = () => {
    if (this.#controller.signal.aborted) process.exit(130);
    say(`Stopping after the ${this.unit} under way (Ctrl-C again: at once) ...`);
    this.#controller.abort(new Interrupted());
  };

  /** `unit` is what ends before anything stops: "step". */
  constructor(private readonly unit: string) {
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
