/**
 * How `npm run bench` speaks with a peer, a process of its own: JSON, a line each, requests on its stdin and answers on
 * its file descriptor 3, so that whatever a library prints is in nobody's way.
 */
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";

type Pair = readonly [number, number];

/** A layer as every library knows it. Weights are PyTorch's: conv2d [out, in, kh, kw], dense [units, in]. */
export type Layer =
  | {
      readonly kind: "conv2d";
      readonly weight: string;
      readonly bias: string | null;
      readonly stride: Pair;
      readonly padding: Pair;
    }
  | { readonly kind: "maxPool2d"; readonly kernel: Pair; readonly stride: Pair }
  | { readonly kind: "relu" }
  /** `shape` is what is flattened: [channels, height, width]. */
  | { readonly kind: "flatten"; readonly shape: readonly [number, number, number] }
  | { readonly kind: "dense"; readonly weight: string; readonly bias: string | null };

export type Task = "forward" | "step";

/** What a peer is to run. */
export interface Job {
  readonly task: Task;
  readonly batch: number;
  readonly layers: readonly Layer[];
  readonly classes: number;
  readonly learningRate: number;
  /** safetensors: the weights by name; `input` f32 [N, C, H, W] and `labels` i32 [N]. */
  readonly weightsFile: string;
  readonly batchFile: string;
  /** Of a WebGPU peer, as `--adapter` has it. */
  readonly adapter: string;
  /** Of Kiln. */
  readonly model: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly algorithm: "auto" | "direct" | "fast";
  readonly threads: number;
}

export type Request = { readonly prepare: Job } | { readonly run: true };

export type Answer =
  | { readonly versions: Readonly<Record<string, string>> }
  /** `values`: the loss before the update, or the network's outputs, row after row. */
  | { readonly ms: number; readonly values: readonly number[] }
  | { readonly error: string };

export interface Peer {
  /** Names and versions of what does the work. */
  readonly versions: Readonly<Record<string, string>>;
  /** Runs once; resolves when the values have arrived on this side. */
  run(): Promise<ArrayLike<number>>;
}

const answer = (given: Answer): void => {
  writeSync(3, `${JSON.stringify(given)}\n`);
};

/** Answers requests until stdin ends. */
export async function serve(prepare: (job: Job) => Promise<Peer>): Promise<never> {
  let peer: Peer | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    try {
      if ("prepare" in request) {
        peer = await prepare(request.prepare);
        answer({ versions: peer.versions });
      } else {
        const start = performance.now();
        const values = await peer!.run();
        answer({ ms: performance.now() - start, values: Array.from(values) });
      }
    } catch (error) {
      answer({ error: (error as Error)?.stack ?? String(error) });
    }
  }
  process.exit(); // what a library leaves pending would keep the process
}
