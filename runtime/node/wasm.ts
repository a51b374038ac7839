/** WebAssembly in Node: worker threads that share a memory. */
import { availableParallelism, cpus } from "node:os";
import { Worker } from "node:worker_threads";
import { wasmTarget } from "../program/wasmTarget.ts";
import { WasmDevice } from "../wasm/device.ts";
import { engineFeatures } from "../wasm/features.ts";
import type { Spawn } from "../wasm/threads.ts";
import type { FoundAdapter } from "./adapters.ts";

const spawn: Spawn = (text) => {
  const worker = new Worker(text, { eval: true });
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (handler) => worker.on("message", handler),
    onError: (handler) => worker.on("error", ({ message }) => handler(message)),
    hold: (on) => (on ? worker.ref() : worker.unref()),
    terminate: () => void worker.terminate(),
  };
};

/** As many threads as the process may use at once, unless KILN_THREADS says otherwise. */
export function threadCount(): number {
  const wanted = Number(process.env.KILN_THREADS);
  return Number.isInteger(wanted) && wanted > 0 ? wanted : availableParallelism();
}

const nameOf = (threads: number): string =>
  `WebAssembly SIMD (V8 ${process.versions.v8.split("-")[0]}), ${threads === 1 ? "one thread" : `${threads} threads`} of ${cpus()[0]?.model.trim() ?? "the processor"}`;

/** The processor itself, which every machine has. */
export function wasmAdapter(): FoundAdapter {
  const threads = threadCount();
  const name = nameOf(threads);
  const features = engineFeatures();
  return {
    name,
    class: "wasm",
    software: true,
    vendor: "the JavaScript engine",
    identity: `wasm ${threads}`,
    driver: `V8 ${process.versions.v8}`,
    features: ["simd128", ...features],
    subgroupSizes: null,
    target: { ...wasmTarget, features },
    open: async () => new WasmDevice({ name, threads, spawn }),
  };
}
