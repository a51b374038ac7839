import type { Device } from "../device.ts";
import type { Target } from "../program/schema.ts";
import { chooseAdapter, type FoundAdapter } from "./adapters.ts";

export interface OpenDeviceOptions {
  /** "wasm", "lavapipe", "swiftshader", or part of a device's name; where not given, $KILN_ADAPTER, then the best there
   * is: a GPU, else WebAssembly. */
  readonly adapter?: string;
  /** What a program was compiled for: unless an adapter is named, the device is one that runs it. */
  readonly program?: Target;
  /** Features beyond those that Kiln asks for where they are present (subgroups, timestamp-query). */
  readonly requireFeatures?: readonly GPUFeatureName[];
}

export interface OpenedDevice {
  readonly device: Device;
  readonly adapter: FoundAdapter;
  /** For the compiler. */
  readonly target: Target;
  /** A line for people: which adapter, whether it is a software one, how to get a faster one. */
  readonly description: string;
}

/** Opens a device with all that its adapter offers to Kiln. Throws KilnError of kind "adapter" that says what to do. */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<OpenedDevice> {
  const adapter = await chooseAdapter(options.adapter, options.program);
  const device = await adapter.open(options.requireFeatures);
  return { device, adapter, target: adapter.target, description: describeChoice(adapter) };
}

/** "Running on llvmpipe (LLVM 15.0.6, 256 bits), a software adapter; ..." */
export function describeChoice(found: FoundAdapter): string {
  if (!found.software) return `Running on ${found.name}`;
  const gpu = "a GPU with a Vulkan driver is";
  const more =
    found.class === "wasm"
      ? `without a GPU: ${gpu} much faster, --adapter swiftshader shows the WGSL run`
      : found.class === "swiftshader"
        ? `a software adapter on the CPU: --adapter wasm is several times as fast, ${gpu} faster still`
        : `a software adapter on the CPU: ${gpu} much faster`;
  return `Running on ${found.name}, ${more} (kiln doctor says more)`;
}
