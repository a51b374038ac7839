/** What a kernel declares agrees with what its body does: buffers, workgroup arrays, uniforms, values written in place. */
import { fitsTexture } from "../../../runtime/program/texture.ts";
import type { Kernel } from "../kernel.ts";
import { visitBody } from "../kernelTree.ts";
import type { UniformName } from "../scalar.ts";
import { elementCount, formatType, type Value } from "../types.ts";

/** `storageOf` says which values are versions of one storage: they share a binding, so its elements have one width. */
export function checkDeclarations(kernel: Kernel, storageOf: (value: Value) => Value): string[] {
  const problems: string[] = [];
  const [read, written] = [new Set<string>(), new Set<string>()];
  const [sharedRead, sharedWritten] = [new Set<string>(), new Set<string>()];
  const uniforms = new Set<UniformName>();
  visitBody(
    kernel.body,
    (s) => {
      if (s.kind === "store") written.add(s.buffer);
      if (s.kind === "sharedStore") sharedWritten.add(s.array);
    },
    (e) => {
      if (e.kind === "load") read.add(e.buffer);
      if (e.kind === "sharedLoad") sharedRead.add(e.array);
      if (e.kind === "uniform") uniforms.add(e.name);
      if (e.kind === "random") uniforms.add("seed").add("step");
    },
  );

  const names = [...kernel.buffers.map((b) => b.name), ...kernel.shared.map((a) => a.name)];
  for (const name of new Set(names.filter((n, i) => names.indexOf(n) !== i)))
    problems.push(`${name} is declared twice`);

  for (const b of kernel.buffers) {
    const elements = elementCount(b.value.type.shape);
    if (!read.has(b.name) && !written.has(b.name)) problems.push(`buffer ${b.name} is not used`);
    for (const [declared, does, verb] of [
      [b.reads, read.has(b.name), "read"],
      [b.writes, written.has(b.name), "written"],
    ] as const) {
      if (declared && !does) problems.push(`buffer ${b.name} is declared ${verb}, but the body does not do it`);
      if (!declared && does) problems.push(`buffer ${b.name} is ${verb}, but not declared so`);
    }
    if (!(Number.isInteger(b.length) && b.length > 0)) problems.push(`buffer ${b.name} has ${b.length} elements`);
    else if (b.length * b.width > elements)
      problems.push(
        `buffer ${b.name} has ${b.length * b.width} numbers, its value ${formatType(b.value.type)} only ${elements}`,
      );
    if (b.dtype !== b.value.type.dtype)
      problems.push(`buffer ${b.name} is ${b.dtype}, its value ${formatType(b.value.type)}`);
    if (b.storage !== "texture") continue;
    if (b.writes) problems.push(`texture ${b.name} is written; textures are only read`);
    if (b.dtype !== "f32" || b.width !== 4)
      problems.push(`texture ${b.name} has elements ${b.dtype} of width ${b.width}; a texel is four f32`);
    if (!fitsTexture(elements)) problems.push(`${formatType(b.value.type)} fits no texture, which ${b.name} is to be`);
  }

  for (const a of kernel.shared) {
    if (!(Number.isInteger(a.length) && a.length > 0))
      problems.push(`workgroup array ${a.name} has ${a.length} elements`);
    if (!sharedRead.has(a.name)) problems.push(`workgroup array ${a.name} is not read`);
    if (!sharedWritten.has(a.name)) problems.push(`workgroup array ${a.name} is not written`);
  }

  for (const name of uniforms)
    if (!kernel.uniforms.includes(name)) problems.push(`uniform ${name} is used, but not listed`);
  for (const name of kernel.uniforms) if (!uniforms.has(name)) problems.push(`uniform ${name} is listed, but not used`);
  if (new Set(kernel.uniforms).size !== kernel.uniforms.length) problems.push("a uniform is listed twice");

  const buffers = kernel.buffers.filter((b) => b.storage !== "texture");
  for (const [n, a] of buffers.entries())
    for (const b of buffers.slice(n + 1))
      if (storageOf(a.value) === storageOf(b.value) && a.width !== b.width)
        problems.push(
          `buffers ${a.name} and ${b.name} are one storage, but have elements of width ${a.width} and ${b.width}`,
        );

  const bufferOf = (v: Value) => buffers.find((b) => b.value === v);
  for (const [into, from] of kernel.inPlace) {
    const pair = `%${into.name} in place of %${from.name}`;
    const [a, b] = [into, from].map((v) => elementCount(v.type.shape));
    if (a !== b) problems.push(`${pair}: ${formatType(into.type)} and ${formatType(from.type)} differ in size`);
    const [x, y] = [bufferOf(into), bufferOf(from)];
    if (!x?.writes) problems.push(`${pair}: %${into.name} is not written`);
    if (!y?.reads) problems.push(`${pair}: %${from.name} is not read`);
    if (x && y && x.width !== y.width) problems.push(`${pair}: elements of width ${x.width} and ${y.width}`);
  }
  return problems;
}
