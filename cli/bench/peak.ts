/** What an adapter can do at most: independent fused multiply-adds, nothing read and nothing waited for. */
import type { Kernel, Statement, Width } from "../../compiler/ir/kernel.ts";
import * as K from "../../compiler/ir/kernelExpr.ts";
import { tensorType, type Value } from "../../compiler/ir/types.ts";
import { uniformFields } from "../../compiler/ir/uniforms.ts";
import { KernelTable } from "../../compiler/kernelTable.ts";
import { assemble } from "../../compiler/wasm/assemble.ts";
import type { OpenedDevice } from "../../runtime/node/device.ts";
import { type Artifact, formatVersion, type Program, type Target } from "../../runtime/program/schema.ts";
import { createSession } from "../../runtime/session.ts";

const accumulators = 12;
const unroll = 16;

/** Rounds that make a run long enough to time, and short enough for a driver's patience. */
const wantedMs = 150;
const mostRounds = 1 << 20;

/** Invocations: enough to keep all that there is busy. */
const shapeFor = ({ class: kind }: Target): { workgroups: number; workgroupSize: number; width: Width } => {
  // A lane of a GPU, or of a driver that computes several at once, is a scalar; in WebAssembly the vector is the lanes.
  if (kind === "wasm") return { workgroups: 64, workgroupSize: 1, width: 4 };
  return { workgroups: kind === "lavapipe" || kind === "swiftshader" ? 64 : 16384, workgroupSize: 64, width: 1 };
};

/** So many turns as the uniform pictureHeight says, of x -> lr x + weightDecay: with a half and one x stays below two. */
function peakKernel(target: Target): { readonly kernel: Kernel; readonly result: Value } {
  const { workgroups, workgroupSize, width } = shapeFor(target);
  const elements = workgroups * workgroupSize * width;
  const result: Value = { name: "output", type: tensorType("f32", [elements]) };
  const wide = (x: Parameters<typeof K.splat>[0]) => (width === 4 ? K.splat(x) : x);
  const variable = (name: string) => K.variable(name, "f32", width);
  const index = K.add(K.multiply(K.builtin("workgroup.x"), workgroupSize), K.builtin("local"));
  const acc = (i: ReturnType<typeof K.int>) => K.register("a", [i], "f32", width);
  const assign = (i: ReturnType<typeof K.int>, value: Parameters<typeof K.splat>[0]): Statement => ({
    kind: "assign",
    register: "a",
    index: [i],
    value,
  });
  const loop = (name: string, to: number, body: readonly Statement[]): Statement => ({
    kind: "for",
    variable: name,
    from: K.int(0),
    to: K.int(to),
    step: 1,
    unroll: true,
    body,
  });
  // Different in all accumulators, so that none is another's copy.
  const first = K.fma(
    wide(K.unary("toF32", K.variable("i"), "f32")),
    wide(K.constant(0.001, "f32")),
    wide(K.unary("toF32", K.remainder(K.variable("element"), 7), "f32")),
  );
  const all = Array.from({ length: accumulators }, (_, i) => acc(K.int(i)));
  const body: Statement[] = [
    { kind: "let", name: "element", value: index },
    { kind: "let", name: "m", value: wide(K.uniform("lr", "f32")) },
    { kind: "let", name: "b", value: wide(K.uniform("weightDecay", "f32")) },
    { kind: "registers", name: "a", type: { dtype: "f32", width }, shape: [accumulators], initial: 1 },
    loop("i", accumulators, [assign(K.variable("i"), first)]),
    {
      kind: "for",
      variable: "round",
      from: K.int(0),
      to: K.uniform("pictureHeight", "i32"),
      step: 1,
      unroll: false,
      body: [
        loop("u", unroll, [
          loop("i", accumulators, [assign(K.variable("i"), K.fma(acc(K.variable("i")), variable("m"), variable("b")))]),
        ]),
      ],
    },
    {
      kind: "store",
      buffer: "output",
      index: K.variable("element"),
      value: all.reduce((x, y) => K.binary("add", x, y, "f32")),
    },
  ];
  const kernel: Kernel = {
    name: "peak",
    workgroupSize,
    workgroups: [workgroups, 1, 1],
    buffers: [
      { name: "output", value: result, dtype: "f32", width, length: elements / width, reads: false, writes: true },
    ],
    shared: [],
    uniforms: ["lr", "pictureHeight", "weightDecay"],
    body,
    schedule: { kind: "map", workgroupSize, vector: width },
    locations: [],
    ops: [],
    operations: 2 * accumulators * unroll * elements,
    inPlace: [],
  };
  return { kernel, result };
}

function peakArtifact(target: Target): Artifact {
  const { kernel, result } = peakKernel(target);
  const table = new KernelTable(target);
  const bytes = 4 * result.type.shape[0];
  const size = Math.ceil(bytes / 256) * 256;
  const { index } = table.add(kernel, {
    placeOf: (value) => ({ kind: "external", value }),
    textureOf: () => {
      throw new Error("no texture is read");
    },
  });
  const program: Program = {
    format: formatVersion,
    compiler: "kiln bench",
    model: {
      name: "peak",
      hash: "",
      mode: "infer",
      batch: 1,
      settings: {},
      algorithm: "direct",
      optimizer: null,
      classes: null,
    },
    target,
    input: { shape: [1, 1, 1, 1], mean: [0], std: [1], classNames: null },
    output: { shape: result.type.shape },
    state: [],
    uniforms: uniformFields,
    kernels: table.kernels,
    entries: {
      forward: {
        arenas: [size],
        gpuTextures: [],
        arenaBytes: size,
        lowerBoundBytes: size,
        buffers: [
          { name: "output", type: "f32", shape: result.type.shape, layout: [0], offset: 0, size, start: 0, end: 1 },
        ],
        textures: [],
        pictures: [],
        dispatches: [
          {
            kernel: index,
            workgroups: kernel.workgroups,
            bindings: [{ kind: "buffer", name: "output" }, { kind: "uniforms" }],
          },
        ],
        inputs: {},
        outputs: { output: "output" },
      },
    },
    arenaBytes: size,
    lowerBoundBytes: size,
    persistentBytes: 0,
  };
  return { program, kernels: table.texts };
}

/**
 * The device's ceiling in GFLOP/s (a fused multiply-add is two), measured: 12 independent accumulators, unrolled 16
 * times, the best of several runs.
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
