/** How fast an adapter moves bytes: a copy, read once and written once. */
import type { Kernel } from "../../compiler/ir/kernel.ts";
import * as K from "../../compiler/ir/kernelExpr.ts";
import { tensorType, type Value } from "../../compiler/ir/types.ts";
import { KernelTable } from "../../compiler/kernelTable.ts";
import { assemble } from "../../compiler/wasm/assemble.ts";
import type { OpenedDevice } from "../../runtime/node/device.ts";
import type { Artifact, Target } from "../../runtime/program/schema.ts";
import { createSession } from "../../runtime/session.ts";
import { singleEntryProgram } from "./singleEntry.ts";

/** Of each tensor: past every cache that a processor has, within what every adapter binds. */
const tensorBytes = 2 ** 26;
const bytesPerVector = 16;

/** Vectors that an invocation copies. On a GPU neighbours copy neighbours; a thread goes through memory as it lies. */
function copyKernel(target: Target): Kernel {
  const isThread = target.class === "wasm";
  const [workgroups, workgroupSize] = isThread ? [64, 1] : [4096, 64];
  const invocations = workgroups * workgroupSize;
  const length = tensorBytes / bytesPerVector;
  const each = length / invocations;
  const tensor = (name: string): Value => ({ name, type: tensorType("f32", [length * 4]) });
  const buffer = (name: string, writes: boolean) =>
    ({ name, value: tensor(name), dtype: "f32", width: 4, length, reads: !writes, writes }) as const;
  const invocation = K.add(K.multiply(K.builtin("workgroup.x"), workgroupSize), K.builtin("local"));
  const [own, i] = [K.variable("invocation"), K.variable("i")];
  const at = isThread ? K.add(K.multiply(own, each), i) : K.add(K.multiply(i, invocations), own);
  return {
    name: "copy",
    workgroupSize,
    workgroups: [workgroups, 1, 1],
    buffers: [buffer("source", false), buffer("output", true)],
    shared: [],
    uniforms: [],
    body: [
      { kind: "let", name: "invocation", value: invocation },
      {
        kind: "for",
        variable: "i",
        from: K.int(0),
        to: K.int(each),
        step: 1,
        unroll: false,
        body: [{ kind: "store", buffer: "output", index: at, value: K.load("source", at, "f32", 4) }],
      },
    ],
    schedule: { kind: "map", workgroupSize, vector: 4 },
    locations: [],
    ops: [],
    operations: 0,
    inPlace: [],
  };
}

function copyArtifact(target: Target): Artifact {
  const kernel = copyKernel(target);
  const [source, output] = kernel.buffers.map(({ value }) => value);
  const table = new KernelTable(target);
  const { index } = table.add(kernel, {
    placeOf: (value) =>
      value === source ? { kind: "state", state: source } : { kind: "arena", arena: 0, offset: 0, size: tensorBytes },
    textureOf: () => {
      throw new Error("no texture is read");
    },
  });
  return singleEntryProgram({
    name: "copy",
    target,
    table,
    // State is written before a run: memory that nobody wrote to may be one page of zeros throughout.
    states: [source],
    buffers: [output],
    steps: [
      {
        kernel: index,
        workgroups: kernel.workgroups,
        bindings: [
          { kind: "state", name: source.name },
          { kind: "buffer", name: output.name },
        ],
      },
    ],
    uniforms: [],
  });
}

/** Bytes that a copy of 64 MiB reads and writes in a nanosecond (1e9 a second), the best of several runs. */
export async function measureBandwidth({ device, target }: Pick<OpenedDevice, "device" | "target">): Promise<number> {
  const session = await createSession(device, await assemble(copyArtifact(target)), { entries: ["forward"] });
  try {
    const { totalNanoseconds } = await session.profile("forward", { repeats: 5 });
    return (2 * tensorBytes) / totalNanoseconds;
  } finally {
    session.destroy();
  }
}
