import type { Device, LoadedProgram, LoadOptions } from "../device.ts";
import { KilnError } from "../program/error.ts";
import type { Artifact, Target } from "../program/schema.ts";
import { adapterName, requestGpuDevice, requireTarget } from "./device.ts";
import { loadProgram } from "./program.ts";

/** A WebGPU device to run programs on. */
export class WebGpuDevice implements Device {
  readonly name: string;

  constructor(readonly gpu: GPUDevice) {
    this.name = adapterName(gpu.adapterInfo);
  }

  async load(artifact: Artifact, options: LoadOptions): Promise<LoadedProgram> {
    const { target } = artifact.program;
    if (target.class === "wasm")
      throw new KilnError(
        "adapter",
        `the program was compiled for WebAssembly, which ${this.name} does not run: choose the adapter "wasm", or compile ` +
          'the model for this adapter, or for the target "portable"',
      );
    requireTarget(this.gpu, target);
    return loadProgram(this.gpu, artifact, options);
  }

  destroy(): void {
    this.gpu.destroy();
  }
}

/**
 * A device with what a program was compiled for, from the browser's default adapter: for a tab. Throws KilnError of kind
 * "adapter" where there is no WebGPU, or where the adapter lacks something.
 */
export async function requestDevice(target: Target, gpu?: GPU): Promise<WebGpuDevice> {
  return new WebGpuDevice(await requestGpuDevice(target, gpu));
}
