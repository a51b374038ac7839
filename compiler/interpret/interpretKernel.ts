/**
 * Runs a kernel without a GPU, in float64: the check of a schedule apart from a driver.
 *
 * The kernel becomes JavaScript in which each stretch between barriers and broadcasts is a loop over the invocations of
 * a workgroup. What WGSL leaves undefined is an error here: races, stores outside a buffer, values that come from
 * outside and reach a store.
 */
import type { Kernel } from "../ir/kernel.ts";
import { visitBody } from "../ir/kernelTree.ts";
import type { UniformName } from "../ir/scalar.ts";
import { compileKernel } from "./compileKernel.ts";
import { InterpretError, Machine, PoisonSignal } from "./machine.ts";

export { InterpretError } from "./machine.ts";

/**
 * Runs all workgroups of a kernel over `memory`, which holds one array a buffer by name (elements of width 4 at
 * 4*i..4*i+3); one array under two names is one piece of memory. f32 is computed in float64, i32 and u32 exactly.
 *
 * Throws InterpretError where memory or uniforms are missing or of the wrong length, a store is outside its buffer, a
 * value from a load outside (or of workgroup memory that nobody wrote) is stored or decides control flow, invocations
 * touch the same memory without order, or a barrier or broadcast is reached by some invocations and not by others.
 * Memory is then left as it is.
 */
export function interpretKernel(
  kernel: Kernel,
  memory: ReadonlyMap<string, Float64Array>,
  uniforms: Partial<Record<UniformName, number>>,
): void {
  check(kernel, memory, uniforms);
  const written = new Set(kernel.buffers.filter((b) => b.writes).map((b) => memory.get(b.name)!));
  const before = [...written].map((array) => ({ array, copy: array.slice() }));
  try {
    run(kernel, memory, uniforms, false);
  } catch (e) {
    if (!(e instanceof PoisonSignal)) throw e;
    // Loads outside are allowed where their value goes nowhere. Following it costs time, so only kernels that need it.
    for (const { array, copy } of before) array.set(copy);
    run(kernel, memory, uniforms, true);
  }
}

function run(
  kernel: Kernel,
  memory: ReadonlyMap<string, Float64Array>,
  uniforms: Partial<Record<UniformName, number>>,
  followPoison: boolean,
): void {
  const machine = new Machine(kernel, memory);
  const workgroup = compileKernel(kernel, machine, uniforms, followPoison);
  const [columns, rows, layers] = kernel.workgroups;
  let first = 1;
  for (let z = 0; z < layers; z++)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        machine.begin(x, y, z);
        workgroup(x, y, z, first);
        first += kernel.workgroupSize;
      }
}

function check(
  kernel: Kernel,
  memory: ReadonlyMap<string, Float64Array>,
  uniforms: Partial<Record<UniformName, number>>,
): void {
  const fail = (problem: string): never => {
    throw new InterpretError(`kernel ${kernel.name}: ${problem}`);
  };
  for (const b of kernel.buffers) {
    const expected = b.length * b.width;
    const given = memory.get(b.name)?.length;
    if (given === undefined) fail(`no memory is given for buffer ${b.name}`);
    if (given !== expected) fail(`buffer ${b.name} has ${expected} elements, the memory given for it has ${given}`);
  }
  if (kernel.subgroupSize !== undefined && kernel.workgroupSize % kernel.subgroupSize !== 0)
    fail(`workgroups of ${kernel.workgroupSize} do not consist of whole subgroups of ${kernel.subgroupSize}`);
  const needed = new Set<UniformName>();
  let subgroups = false;
  visitBody(
    kernel.body,
    () => {},
    (e) => {
      if (e.kind === "uniform") needed.add(e.name);
      if (e.kind === "random") needed.add("seed").add("step");
      if (e.kind === "broadcast" || (e.kind === "builtin" && e.name === "subgroupLane")) subgroups = true;
    },
  );
  if (subgroups && kernel.subgroupSize === undefined) fail("it uses subgroups but does not fix their size");
  for (const name of needed) if (uniforms[name] === undefined) fail(`no value is given for uniform ${name}`);
}
