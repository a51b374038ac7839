/** Progress of something long: a bar on a terminal, now and then a line where stderr is a file or a pipe. */
import cliProgress, { type Options, type SingleBar } from "cli-progress";
import { printThrough } from "./output.ts";

/** Seconds between two lines where there is no terminal. */
const lineInterval = 15;

export class Progress {
  readonly #bars: cliProgress.MultiBar | null;
  #bar: SingleBar | null = null;
  #last = 0;
  #text = "";
  #total = 1;

  /** `text` goes on the left, `status` of each update on the right. */
  constructor(private readonly stream: NodeJS.WriteStream = process.stderr) {
    const options: Options = {
      stream,
      clearOnComplete: true,
      hideCursor: false,
      fps: 5,
      gracefulExit: false,
      format: (options, { progress, value, total }, { text, status }) => {
        const line = `${text} ${cliProgress.Format.BarFormat(progress, options)} ${value}/${total}  ${status}`;
        return line.slice(0, Math.max(20, (stream.columns ?? 80) - 1));
      },
      barCompleteChar: "\u2588",
      barIncompleteChar: "\u2591",
      barsize: 20,
    };
    this.#bars = stream.isTTY ? new cliProgress.MultiBar(options) : null;
    if (this.#bars) printThrough((line) => this.#bars!.log(`${line}\n`));
  }

  /** Begins something of `total` parts; what was shown before goes. */
  begin(text: string, total: number, value = 0): void {
    this.#text = text;
    this.#total = total;
    this.#last = performance.now();
    if (!this.#bars) return;
    if (this.#bar) this.#bars.remove(this.#bar);
    this.#bar = this.#bars.create(total, value, { text, status: "" });
  }

  update(value: number, status: string): void {
    this.#bar?.update(value, { text: this.#text, status });
    if (this.#bars) return;
    const now = performance.now();
    if (now - this.#last < lineInterval * 1000) return;
    this.#last = now;
    this.stream.write(`${this.#text} ${value}/${this.#total}  ${status}\n`);
  }

  /** Takes the bar away. */
  end(): void {
    if (!this.#bars) return;
    this.#bars.stop();
    printThrough(null);
  }
}
