/**
 * WebGPU's usage scope, held for an artifact's dispatches: its unit is the whole GPU buffer, not the slice. Reads
 * program.json alone.
 */
import { isCopy, type Program, type ProgramBinding, type ProgramEntry } from "../../runtime/program/schema.ts";
import { texelBytes, texturesPerKernel } from "../../runtime/program/texture.ts";

interface Slice {
  /** The GPU buffer. */
  readonly buffer: string;
  readonly from: number;
  readonly to: number;
}

/** Everything by which the entry's dispatches would be refused by WebGPU, a sentence each. */
export function checkEntry(program: Program, entry: ProgramEntry): string[] {
  const wrong: string[] = [];
  const { limits } = program.target;
  [...entry.pictures, ...entry.dispatches].forEach((dispatch, i) => {
    if (isCopy(dispatch)) {
      const slice = sliceOf(program, entry, dispatch.copy);
      const at = `dispatch ${i} (copy to ${dispatch.texture})`;
      if (typeof slice === "string") wrong.push(`${at}: ${slice}`);
      else if (slice.from % texelBytes !== 0) wrong.push(`${at} begins at ${slice.from}, which is within a texel`);
      if (!entry.textures.some((t) => t.name === dispatch.texture))
        wrong.push(`${at}: no texture is called ${dispatch.texture}`);
      return;
    }
    const kernel = program.kernels[dispatch.kernel];
    if (!kernel) {
      wrong.push(`dispatch ${i} runs kernel ${dispatch.kernel}, which does not exist`);
      return;
    }
    const at = `dispatch ${i} (${kernel.name})`;
    if (dispatch.bindings.length !== kernel.bindings.length) {
      wrong.push(`${at} has ${dispatch.bindings.length} bindings, the kernel has ${kernel.bindings.length}`);
    }
    for (const count of dispatch.workgroups) {
      if (count < 1 || count > limits.maxComputeWorkgroupsPerDimension)
        wrong.push(`${at} runs ${count} workgroups in a dimension`);
    }
    const storage = dispatch.bindings.flatMap((binding, b) => {
      const { name, access } = kernel.bindings[b] ?? { name: `binding ${b}`, access: "read" };
      if ((binding.kind === "uniforms") !== (access === "uniform")) {
        wrong.push(`${at} binds ${binding.kind} as ${access} ${name}`);
      }
      if ((binding.kind === "texture") !== (access === "texture")) {
        wrong.push(`${at} binds ${binding.kind} as ${access} ${name}`);
      }
      if (binding.kind === "uniforms" || binding.kind === "texture") return [];
      const slice = sliceOf(program, entry, binding);
      if (typeof slice === "string") wrong.push(`${at}: ${slice}`);
      return typeof slice === "string" ? [] : [{ name, writable: access === "read_write", ...slice }];
    });
    if (storage.length > limits.maxStorageBuffersPerShaderStage) {
      wrong.push(
        `${at} binds ${storage.length} storage buffers, the target has ${limits.maxStorageBuffersPerShaderStage}`,
      );
    }
    const textures = dispatch.bindings.flatMap((binding) => (binding.kind === "texture" ? [binding.name] : []));
    if (textures.length > texturesPerKernel)
      wrong.push(`${at} binds ${textures.length} storage textures, WebGPU promises ${texturesPerKernel}`);
    for (const name of textures)
      if (!entry.textures.some((t) => t.name === name)) wrong.push(`${at}: no texture is called ${name}`);
    storage.forEach((a, x) => {
      for (const b of storage.slice(x + 1)) {
        if (a.buffer !== b.buffer) continue;
        if (a.writable !== b.writable)
          wrong.push(`${at} binds ${a.buffer} read_write and read, as ${a.name} and ${b.name}`);
        if ((a.writable || b.writable) && a.from < b.to && b.from < a.to) {
          wrong.push(`${at} binds overlapping bytes of ${a.buffer} as ${a.name} and ${b.name}, and writes them`);
        }
      }
    });
  });
  return wrong;
}

/** The bytes that a binding names, or what is wrong with it. */
function sliceOf(
  program: Program,
  entry: ProgramEntry,
  binding: Exclude<ProgramBinding, { kind: "texture" }>,
): Slice | string {
  if (binding.kind === "state") {
    const known = program.state.some((s) => s.name === binding.name);
    return known ? { buffer: `state ${binding.name}`, from: 0, to: 1 } : `no state is called ${binding.name}`;
  }
  if (binding.kind !== "buffer") return { buffer: binding.kind, from: 0, to: 1 };
  const buffer = entry.buffers.find((b) => b.name === binding.name);
  if (!buffer) return `no buffer is called ${binding.name}`;
  let from = 0;
  for (const [arena, size] of entry.arenas.entries()) {
    if (buffer.offset < from + size) {
      const offset = buffer.offset - from;
      if (offset % 256 !== 0)
        return `${buffer.name} begins at ${offset} of arena ${arena}, which is no multiple of 256`;
      if (offset + buffer.size > size) return `${buffer.name} ends past arena ${arena}`;
      return { buffer: `arena ${arena}`, from: offset, to: offset + buffer.size };
    }
    from += size;
  }
  return `${buffer.name} begins past the arena`;
}
