/**
 * kiln/wasm: runs an artifact that was compiled for the target "wasm", without WebGPU: in a browser tab, or in Node (there
 * `openDevice({ adapter: "wasm" })` of "kiln/node" gives the device).
 *
 * ```ts
 * const artifact = await loadArtifact(new URL("./lenet/", import.meta.url));
 * const device = requestDevice();
 * const session = await createSession(device, artifact, { entries: ["step"], pictures: { height: 32, width: 32 } });
 * ```
 */
import { WasmDevice } from "./device.ts";
import type { Spawn } from "./threads.ts";

export * from "../common.ts";
export { WasmDevice } from "./device.ts";

/**
 * A device of this tab's processor: as many threads as it has, where the page is cross-origin isolated, so that they may
 * share memory; else one, the page's own. `name` and `threads` say which.
 */
export function requestDevice({ threads }: { readonly threads?: number } = {}): WasmDevice {
  const isolated = globalThis.crossOriginIsolated === true;
  const count = isolated ? (threads ?? globalThis.navigator?.hardwareConcurrency ?? 1) : 1;
  const why = isolated ? "" : ": the page is not cross-origin isolated";
  return new WasmDevice({
    name: `WebAssembly SIMD, ${count === 1 ? "one thread" : `${count} threads`}${why}`,
    threads: count,
    spawn: isolated ? spawnInTab : null,
  });
}

const spawnInTab: Spawn = (text) => {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(url);
  URL.revokeObjectURL(url);
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (handler) => worker.addEventListener("message", ({ data }) => handler(data)),
    onError: (handler) => worker.addEventListener("error", ({ message }) => handler(message)),
    hold: () => {},
    terminate: () => worker.terminate(),
  };
};
