/** Runs the kiln command as a user does, in a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatSafetensors, parseSafetensors, type StoredTensor } from "../../runtime/program/safetensors.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = join(root, "bin", "kiln.js");

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** Without the two warnings that Dawn itself prints on lavapipe. */
  readonly stderr: string;
}

/** A small convolutional network, quick to compile on a software driver. */
export const tinyModel = `import { conv2d, dense, flatten, image, maxPool2d, model } from "kiln";

export default model({ input: image(3, 32, 32, { mean: 127.5, std: 64 }), classes: 10 }, (x, { channels = 4 }) => {
  x = conv2d(x, { channels, kernel: 5, stride: 3, activation: "relu" });
  x = maxPool2d(x, { kernel: 2 });
  return dense(flatten(x), { units: 10 });
});
`;

/** A folder for one test file's files, with `tiny.ts` in it. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "kiln-cli-"));

  constructor() {
    this.write("tiny.ts", tinyModel);
  }

  file = (name: string): string => join(this.path, name);

  write(name: string, content: string | Uint8Array): string {
    mkdirSync(dirname(this.file(name)), { recursive: true });
    writeFileSync(this.file(name), content);
    return this.file(name);
  }

  read = (name: string): string => readFileSync(this.file(name), "utf8");

  tensors = (name: string) => parseSafetensors(readFileSync(this.file(name)), name).tensors;

  writeTensors = (name: string, tensors: Record<string, StoredTensor>) =>
    this.write(name, formatSafetensors(Object.entries(tensors)));

  /** Starts kiln here. */
  start(
    args: readonly string[],
    env: Record<string, string> = {},
  ): { child: ChildProcess; finished: Promise<Finished> } {
    // What whoever runs the tests has tuned is no part of them.
    const own = { KILN_TUNING_CACHE: this.file("tuning.json") };
    const child = spawn(process.execPath, [bin, ...args], { cwd: this.path, env: { ...process.env, ...own, ...env } });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    const finished = new Promise<Finished>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        const told = stderr.replace(/^Warning: maxDynamic.*\n/gm, "");
        resolve({ code, signal, stdout, stderr: told });
      });
    });
    return { child, finished };
  }

  kiln = (...args: string[]): Promise<Finished> => this.start(args).finished;

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

/** Numbers in -1..1, the same in every run. */
export const numbers = (count: number, salt = 1): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + salt * 78.233));
