import { describe, vi } from "vitest";
import type { Device } from "../../runtime/device.ts";
import { listAdapters } from "../../runtime/node/adapters.ts";
import { openDevice } from "../../runtime/node/device.ts";
import type { Artifact } from "../../runtime/program/schema.ts";
import { WebGpuDevice } from "../../runtime/webgpu/index.ts";
import { tiny } from "./tinyArtifact.ts";
import { tinyWasm } from "./tinyWasm.ts";

/** Software drivers compile slowly, more so on a busy machine. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const found = (await listAdapters({ packaged: true })).filter((adapter) => adapter.class !== "wasm");
if (found.length === 0) throw new Error("no WebGPU adapter was found, not even the packaged SwiftShader");

/** The WebGPU device that a device is. */
export function gpuOf(device: Device): GPUDevice {
  if (device instanceof WebGpuDevice) return device.gpu;
  throw new Error(`${device.name} is no WebGPU device`);
}

/** Names of the software drivers found, or of the first GPU: what runs WGSL. */
export const adapterNames = [
  ...new Set(found.map(({ class: kind, name }) => (/lavapipe|swiftshader/.test(kind) ? kind : name))),
];

/** Those, and WebAssembly. */
export const deviceNames = [...adapterNames, "wasm"];

/** Runs the tests on every WebGPU adapter found. `open` gives a device of its own each time. */
export function onEveryAdapter(tests: (open: () => Promise<WebGpuDevice>, name: string) => void): void {
  describe.each(adapterNames)("on %s", (name) => {
    tests(async () => new WebGpuDevice(gpuOf((await openDevice({ adapter: name })).device)), name);
  });
}

/** The same, and in WebAssembly. */
export function onEveryDevice(tests: (open: () => Promise<Device>, name: string) => void): void {
  describe.each(deviceNames)("on %s", (name) => {
    tests(async () => (await openDevice({ adapter: name })).device, name);
  });
}

/** The network of tinyArtifact.ts, for that device. */
export const tinyFor = (device: Device): Artifact => (device instanceof WebGpuDevice ? tiny : tinyWasm);
