/** A peer as a process of its own, that runs once whenever asked. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import type { Readable } from "node:stream";
import type { Answer, Job, Request } from "../../peers/protocol.ts";

export interface Ran {
  readonly ms: number;
  readonly values: readonly number[];
}

export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  #log = "";
  #ended: Error | null = null;

  /** Throws an Error that says why where the peer cannot do the job. Gives up on an answer after `limit` seconds. */
  static async start(args: readonly string[], job: Job, limit: number) {
    const peer = new PeerProcess(args, limit);
    try {
      const { versions } = (await peer.#ask({ prepare: job })) as { versions: Readonly<Record<string, string>> };
      return { peer, versions };
    } catch (error) {
      peer.end();
      throw error;
    }
  }

  private constructor(
    [command, ...args]: readonly string[],
    private readonly limit: number,
  ) {
    this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe", "pipe"] });
    this.#child.stdin!.on("error", () => {}); // it has ended; `close` tells
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on("data", (text) => {
        this.#log = (this.#log + text).slice(-2000);
      });
    this.#lines = createInterface({ input: this.#child.stdio[3] as Readable });
    this.#lines.on("line", (line) => this.#waiting.shift()?.resolve(JSON.parse(line)));
    this.#child.on("error", (error) => this.#fail(error));
    this.#child.on("close", (code, signal) =>
      this.#fail(new Error(`its process ended (${signal ?? code}): ${lastLine(this.#log)}`)),
    );
  }

  async run(): Promise<Ran> {
    return (await this.#ask({ run: true })) as Ran;
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }

  async #ask(request: Request): Promise<Exclude<Answer, { error: string }>> {
    if (this.#ended) throw this.#ended;
    const timer = setTimeout(() => {
      this.#fail(new Error(`no answer within ${this.limit} s`));
      this.end();
    }, this.limit * 1000);
    try {
      const answer = await new Promise<Answer>((resolve, reject) => {
        this.#waiting.push({ resolve, reject });
        this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
      });
      if ("error" in answer) throw new Error(answer.error);
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1) || "it said nothing";
