import type { Target } from "./schema.ts";

/**
 * WebAssembly with 128-bit SIMD: what every engine with it has. A workgroup is one invocation; scratch memory takes the
 * place of workgroup memory. Bindings are limited by the addresses that a tensor's indices may have, in i32 bytes.
 */
export const wasmTarget: Target = {
  name: "wasm",
  class: "wasm",
  limits: {
    maxBufferSize: 2 ** 31,
    maxStorageBufferBindingSize: 2 ** 31,
    maxStorageBuffersPerShaderStage: 64,
    maxComputeWorkgroupStorageSize: 262144,
    maxComputeInvocationsPerWorkgroup: 1,
    maxComputeWorkgroupSizeX: 1,
    maxComputeWorkgroupsPerDimension: 2 ** 31 - 1,
  },
  features: [],
  subgroupSize: null,
};

/** The feature of an engine that multiplies and adds four lanes with one rounding where the processor does: other bits. */
export const relaxedSimd = "relaxed-simd";
