/** A kernel fits its target. */
import { type Target, wgslStorageTextures } from "../../../runtime/program/schema.ts";
import { texturesPerKernel } from "../../../runtime/program/texture.ts";
import type { Kernel, SharedArray } from "../kernel.ts";
import { visitBody } from "../kernelTree.ts";
import { bytesPerElement, type Value } from "../types.ts";

/** Bytes of workgroup memory, arrays of vectors at multiples of 16 (as WGSL lays them out). */
export const sharedBytes = (shared: readonly SharedArray[]): number =>
  shared.reduce((sum, a) => {
    const element = a.type.width * bytesPerElement;
    return Math.ceil(sum / element) * element + a.length * element;
  }, 0);

/** `storageOf` says which values are versions of one storage: they share a binding. */
export function checkLimits(kernel: Kernel, target: Target, storageOf: (value: Value) => Value): string[] {
  const problems: string[] = [];
  const { limits } = target;
  const atMost = (what: string, value: number, limit: number, name: keyof typeof limits) => {
    if (value > limit) problems.push(`${what}: ${value}; ${target.name} allows ${limit} (${name})`);
  };
  const size = kernel.workgroupSize;
  if (!(Number.isInteger(size) && size > 0)) problems.push(`the workgroup size is ${size}`);
  atMost(
    "invocations a workgroup",
    size,
    limits.maxComputeInvocationsPerWorkgroup,
    "maxComputeInvocationsPerWorkgroup",
  );
  atMost("workgroup size", size, limits.maxComputeWorkgroupSizeX, "maxComputeWorkgroupSizeX");
  for (const [d, count] of kernel.workgroups.entries()) {
    if (!(Number.isInteger(count) && count > 0)) problems.push(`there are ${count} workgroups along ${"xyz"[d]}`);
    atMost(
      `workgroups along ${"xyz"[d]}`,
      count,
      limits.maxComputeWorkgroupsPerDimension,
      "maxComputeWorkgroupsPerDimension",
    );
  }
  const buffers = kernel.buffers.filter((b) => b.storage !== "texture");
  const textures = kernel.buffers.length - buffers.length;
  if (textures > 0 && !target.features.includes(wgslStorageTextures))
    problems.push(`it reads textures; ${target.name} does not have the feature "${wgslStorageTextures}"`);
  if (textures > texturesPerKernel)
    problems.push(`textures: ${textures}; WebGPU allows ${texturesPerKernel} (maxStorageTexturesPerShaderStage)`);
  atMost(
    "storage buffers",
    new Set(buffers.map((b) => storageOf(b.value))).size,
    limits.maxStorageBuffersPerShaderStage,
    "maxStorageBuffersPerShaderStage",
  );
  for (const b of buffers) {
    const bytes = b.length * b.width * bytesPerElement;
    atMost(`bytes of buffer ${b.name}`, bytes, limits.maxStorageBufferBindingSize, "maxStorageBufferBindingSize");
    atMost(`bytes of buffer ${b.name}`, bytes, limits.maxBufferSize, "maxBufferSize");
  }
  atMost(
    "bytes of workgroup memory",
    sharedBytes(kernel.shared),
    limits.maxComputeWorkgroupStorageSize,
    "maxComputeWorkgroupStorageSize",
  );
  return [...problems, ...checkSubgroups(kernel, target)];
}

function checkSubgroups(kernel: Kernel, target: Target): string[] {
  const { subgroupSize } = kernel;
  const users = new Set<string>();
  visitBody(
    kernel.body,
    () => {},
    (e) => {
      if (e.kind === "broadcast") users.add("broadcast");
      if (e.kind === "builtin" && e.name === "subgroupLane") users.add("subgroupLane");
    },
  );
  if (subgroupSize === undefined)
    return [...users].map((u) => `${u} is used, but the kernel does not fix the subgroup size that it counts on`);
  const problems: string[] = [];
  if (!target.features.includes("subgroups"))
    problems.push(`it needs subgroups of ${subgroupSize}; ${target.name} does not have the feature "subgroups"`);
  if (target.subgroupSize !== subgroupSize)
    problems.push(
      `it needs subgroups of ${subgroupSize}; those of ${target.name} are of ${target.subgroupSize ?? "no fixed size"}`,
    );
  if (kernel.workgroupSize % subgroupSize !== 0)
    problems.push(`workgroups of ${kernel.workgroupSize} do not consist of whole subgroups of ${subgroupSize}`);
  return problems;
}
