/** What an adapter can do at most: independent fused multiply-adds, nothing read and nothing waited for. */
import type { Kernel, KernelExpr, Statement, Width } from "../../compiler/ir/kernel.ts";
import * as K from "../../compiler/ir/kernelExpr.ts";
import { tensorType, type Value } from "../../compiler/ir/types.ts";
import { uniformFields } from "../../compiler/ir/uniforms.ts";
import { KernelTable } from "../../compiler/kernelTable.ts";
import { isSoftware } from "../../compiler/target/kind.ts";
import { assemble } from "../../compiler/wasm/assemble.ts";
import type { OpenedDevice } from "../../runtime/node/device.ts";
import type { Artifact, Target } from "../../runtime/program/schema.ts";
import { createSession } from "../../runtime/session.ts";
import { singleEntryProgram } from "./singleEntry.ts";

const unroll = 16;

/** Rounds that make a run long enough to time, and short enough for a driver's patience. */
const wantedMs = 150;
const mostRounds = 1 << 20;

/** What a round does, so many times unrolled. */
interface Work {
  readonly width: Width;
  readonly before: readonly Statement[];
  readonly step: readonly Statement[];
  readonly after: KernelExpr;
  /** Multiply-adds of a step, each of `width` lanes. */
  readonly products: number;
}

const registers = (name: string, width: Width, ...shape: number[]): Statement => ({
  kind: "registers",
  name,
  type: { dtype: "f32", width },
  shape,
  initial: 1,
});
const assign = (register: string, index: readonly KernelExpr[], value: KernelExpr): Statement => ({
  kind: "assign",
  register,
  index,
  value,
});
const each = (variable: string, to: number, ...body: Statement[]): Statement => ({
  kind: "for",
  variable,
  from: K.int(0),
  to: K.int(to),
  step: 1,
  unroll: true,
  body,
});
const sum = (all: readonly KernelExpr[]) => all.reduce((a, b) => K.binary("add", a, b, "f32"));
const f32Of = (e: KernelExpr) => K.unary("toF32", e, "f32");

/** Twelve independent accumulators, x -> lr x + weightDecay: with a half and one they stay between one and eight. */
function chains(): Work {
  const count = 12;
  const i = K.variable("i");
  const [m, b] = [K.variable("m", "f32"), K.variable("b", "f32")];
  // Different in all, so that none is another's copy.
  const first = K.fma(f32Of(i), K.constant(0.001, "f32"), f32Of(K.remainder(K.variable("element"), 7)));
  return {
    width: 1,
    before: [
      { kind: "let", name: "m", value: K.uniform("lr", "f32") },
      { kind: "let", name: "b", value: K.uniform("weightDecay", "f32") },
      registers("a", 1, count),
      each("i", count, assign("a", [i], first)),
    ],
    step: [each("i", count, assign("a", [i], K.fma(K.register("a", [i]), m, b)))],
    after: sum(Array.from({ length: count }, (_, n) => K.register("a", [K.int(n)]))),
    products: count,
  };
}

/**
 * Where a multiply-add is two instructions, a chain of them waits for both. So as a contraction has it: products that wait
 * for nothing, added to accumulators; what is multiplied changes its sign each time, lest an engine compute it once.
 */
function tile(): Work {
  const [rows, columns] = [4, 2];
  const [r, c] = [K.variable("r"), K.variable("c")];
  const at = (name: string, ...index: KernelExpr[]) => K.register(name, index, "f32", 4);
  const start = (uniform: "lr" | "weightDecay", i: KernelExpr) =>
    K.splat(K.fma(f32Of(i), K.constant(0.001, "f32"), K.uniform(uniform, "f32")));
  return {
    width: 4,
    before: [
      registers("a", 4, rows, columns),
      registers("x", 4, rows),
      registers("y", 4, columns),
      each("r", rows, assign("x", [r], start("lr", r))),
      each("c", columns, assign("y", [c], start("weightDecay", c))),
    ],
    step: [
      each("c", columns, assign("y", [c], K.unary("neg", at("y", c), "f32"))),
      each("r", rows, each("c", columns, assign("a", [r, c], K.fma(at("x", r), at("y", c), at("a", r, c))))),
    ],
    after: sum(
      Array.from({ length: rows * columns }, (_, n) => at("a", K.int(Math.floor(n / columns)), K.int(n % columns))),
    ),
    products: rows * columns,
  };
}

/** So many rounds as the uniform pictureHeight says. */
function peakKernel(target: Target): { readonly kernel: Kernel; readonly result: Value } {
  const [workgroups, workgroupSize] = target.class === "wasm" ? [64, 1] : isSoftware(target) ? [64, 64] : [16384, 64];
  const { width, before, step, after, products } = target.class === "wasm" ? tile() : chains();
  const elements = workgroups * workgroupSize * width;
  const result: Value = { name: "output", type: tensorType("f32", [elements]) };
  const index = K.add(K.multiply(K.builtin("workgroup.x"), workgroupSize), K.builtin("local"));
  const kernel: Kernel = {
    name: "peak",
    workgroupSize,
    workgroups: [workgroups, 1, 1],
    buffers: [
      { name: "output", value: result, dtype: "f32", width, length: elements / width, reads: false, writes: true },
    ],
    shared: [],
    uniforms: ["lr", "pictureHeight", "weightDecay"],
    body: [
      { kind: "let", name: "element", value: index },
      ...before,
      {
        kind: "for",
        variable: "round",
        from: K.int(0),
        to: K.uniform("pictureHeight", "i32"),
        step: 1,
        unroll: false,
        body: [each("u", unroll, ...step)],
      },
      { kind: "store", buffer: "output", index: K.variable("element"), value: after },
    ],
    schedule: { kind: "map", workgroupSize, vector: width },
    locations: [],
    ops: [],
    operations: 2 * products * unroll * elements,
    inPlace: [],
  };
  return { kernel, result };
}

function peakArtifact(target: Target): Artifact {
  const { kernel, result } = peakKernel(target);
  const table = new KernelTable(target);
  const { index } = table.add(kernel, {
    placeOf: () => ({ kind: "arena", arena: 0, offset: 0, size: 4 * result.type.shape[0] }),
    textureOf: () => {
      throw new Error("no texture is read");
    },
  });
  return singleEntryProgram({
    name: "peak",
    target,
    table,
    states: [],
    buffers: [result],
    steps: [
      {
        kernel: index,
        workgroups: kernel.workgroups,
        bindings: [{ kind: "buffer", name: result.name }, { kind: "uniforms" }],
      },
    ],
    uniforms: uniformFields,
  });
}

/**
 * The device's ceiling in GFLOP/s (a multiply-add is two), measured: independent accumulators, unrolled 16 times,
 * the best of several runs.
 */
export async function measurePeak({ device, target }: Pick<OpenedDevice, "device" | "target">): Promise<number> {
  const artifact = await assemble(peakArtifact(target));
  const session = await createSession(device, artifact, { entries: ["forward"] });
  const time = async (rounds: number, repeats = 1): Promise<number> => {
    session.setUniforms({ lr: 0.5, weightDecay: 1, pictureHeight: rounds });
    return (await session.profile("forward", { repeats })).totalNanoseconds;
  };
  try {
    let rounds = 16;
    let best = await time(rounds);
    while (rounds < mostRounds && best < wantedMs * 1e6) {
      rounds *= 2;
      best = await time(rounds);
    }
    best = Math.min(best, await time(rounds, 5));
    const [{ operations }] = artifact.program.kernels;
    return (operations * rounds) / best;
  } finally {
    session.destroy();
  }
}
