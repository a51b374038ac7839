/** Kernels written by hand, one for each shape that schedules have. */
import type { Kernel, KernelBuffer, KernelExpr, Statement } from "../../compiler/ir/kernel.ts";
import * as K from "../../compiler/ir/kernelExpr.ts";
import { type DType, tensorType } from "../../compiler/ir/types.ts";
import type { Target } from "../../runtime/program/schema.ts";

export const target: Target = {
  name: "test",
  class: "portable",
  limits: {
    maxBufferSize: 1 << 28,
    maxStorageBufferBindingSize: 1 << 27,
    maxStorageBuffersPerShaderStage: 8,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupSizeX: 256,
    maxComputeWorkgroupsPerDimension: 65535,
  },
  features: ["subgroups"],
  subgroupSize: 8,
};

export const { int, variable, add, multiply, divide, remainder, lessThan, load, register } = K;
export const local = K.builtin("local");
export const f32 = (value: number): KernelExpr => K.constant(value, "f32");

interface BufferOptions {
  readonly dtype?: DType;
  readonly width?: 1 | 4;
  readonly access?: "read" | "write" | "both";
}

/** A buffer of `length` elements of its width. */
export function buffer(name: string, length: number, options: BufferOptions = {}): KernelBuffer {
  const { dtype = "f32", width = 1, access = "read" } = options;
  return {
    name,
    value: { name, type: tensorType(dtype, [length * width]) },
    dtype,
    width,
    length,
    reads: access !== "write",
    writes: access !== "read",
  };
}

export function kernel(parts: Partial<Kernel> & Pick<Kernel, "body" | "buffers">): Kernel {
  return {
    name: "k",
    workgroupSize: 8,
    workgroups: [1, 1, 1],
    shared: [],
    uniforms: [],
    schedule: { kind: "map" },
    locations: [],
    ops: [],
    operations: 0,
    inPlace: [],
    ...parts,
  };
}

export const letting = (name: string, value: KernelExpr): Statement => ({ kind: "let", name, value });
export const store = (name: string, index: KernelExpr, value: KernelExpr): Statement => ({
  kind: "store",
  buffer: name,
  index,
  value,
});
export const assign = (name: string, index: readonly KernelExpr[], value: KernelExpr): Statement => ({
  kind: "assign",
  register: name,
  index,
  value,
});
export const loop = (
  name: string,
  to: number,
  body: readonly Statement[],
  options: { step?: number; unroll?: boolean } = {},
): Statement => {
  const { step = 1, unroll = false } = options;
  return { kind: "for", variable: name, from: int(0), to: int(to), step, unroll, body };
};
export const unrolled = (name: string, to: number, body: readonly Statement[]): Statement =>
  loop(name, to, body, { unroll: true });
export const when = (condition: KernelExpr, then: readonly Statement[]): Statement => ({
  kind: "if",
  condition,
  then,
});
export const unless = (condition: KernelExpr, otherwise: readonly Statement[]): Statement => {
  const then: Statement[] = [];
  return { kind: "if", condition, then, otherwise };
};
export const barrier: Statement = { kind: "barrier" };

/** The number of the invocation in a one-dimensional dispatch. */
export const globalId = (size: number): KernelExpr => add(multiply(K.builtin("workgroup.x"), size), local);

/** y = relu(x * 2 + b) over `count` elements, the rest of the last workgroup guarded. */
export function mapKernel(count: number): Kernel {
  const i = variable("i");
  const t = variable("t", "f32");
  return kernel({
    name: "map",
    workgroups: [Math.ceil(count / 8), 1, 1],
    buffers: [buffer("x", count), buffer("b", 1), buffer("y", count, { access: "write" })],
    body: [
      letting("i", globalId(8)),
      when(lessThan(i, int(count)), [
        letting("t", K.fma(load("x", i, "f32", 1), f32(2), load("b", int(0), "f32", 1))),
        store("y", i, K.select(lessThan(f32(0), t), t, f32(0))),
      ]),
    ],
  });
}

/** y = x * s, four elements an invocation; s is one number a component. */
export function vectorKernel(vectors: number): Kernel {
  const i = variable("i");
  return kernel({
    name: "vector",
    workgroups: [vectors / 8, 1, 1],
    buffers: [buffer("x", vectors, { width: 4 }), buffer("s", 4), buffer("y", vectors, { width: 4, access: "write" })],
    body: [
      letting("i", globalId(8)),
      letting("scale", K.vector([0, 1, 2, 3].map((c) => load("s", int(c), "f32", 1)))),
      store("y", i, K.binary("mul", load("x", i, "f32", 4), variable("scale", "f32", 4), "f32")),
    ],
  });
}

/**
 * C[M, N] = A[M, K] B[K, N], row-major: a register tile of `rows` by 4 columns an invocation, lanes along N, A by
 * broadcast (the shape of notes on contractions: each lane loads a part of A, all lanes use it).
 */
export function contractionKernel(M: number, N: number, depth: number, rows = 4): Kernel {
  const unroll = 4;
  const [row, column, k, r, u] = ["row", "column", "k", "r", "u"].map((n) => variable(n));
  const quads = (rows * unroll) / 4;
  const perLane = Math.ceil(quads / 8);
  const a = variable("a", "f32", 4);
  const lane = K.builtin("subgroupLane");
  // Quad q of A's tile: row q of the tile, four steps of k; lane q % 8 of load q / 8 holds it.
  const aIndex = divide(add(multiply(add(row, remainder(lane, rows)), depth), k), 4);
  const factor = K.broadcast(K.component(a, u), r);
  if (perLane !== 1) throw new Error("this kernel holds A's tile in one vector a lane");
  return kernel({
    name: "contraction",
    workgroups: [N / 32, M / rows, 1],
    subgroupSize: 8,
    buffers: [
      buffer("A", (M * depth) / 4, { width: 4 }),
      buffer("B", (depth * N) / 4, { width: 4 }),
      buffer("C", (M * N) / 4, { width: 4, access: "write" }),
    ],
    schedule: { kind: "contraction", rows, columns: 4, unroll },
    operations: 2 * M * N * depth,
    body: [
      letting("row", multiply(K.builtin("workgroup.y"), rows)),
      letting("column", add(multiply(K.builtin("workgroup.x"), 8), local)),
      { kind: "registers", name: "acc", type: { dtype: "f32", width: 4 }, shape: [rows], initial: 0 },
      { kind: "registers", name: "b", type: { dtype: "f32", width: 4 }, shape: [unroll], initial: 0 },
      loop(
        "k",
        depth,
        [
          letting("a", load("A", aIndex, "f32", 4)),
          unrolled("u", unroll, [assign("b", [u], load("B", add(multiply(add(k, u), N / 4), column), "f32", 4))]),
          unrolled("r", rows, [
            unrolled("u", unroll, [
              assign("acc", [r], K.fma(K.splat(factor), register("b", [u], "f32", 4), register("acc", [r], "f32", 4))),
            ]),
          ]),
        ],
        { step: unroll },
      ),
      unrolled("r", rows, [store("C", add(multiply(add(row, r), N / 4), column), register("acc", [r], "f32", 4))]),
    ],
  });
}

/** C[M, N] = A[M, K] B[K, N] with tiles of 8 by 8 in workgroup memory, 64 invocations; M, N, K multiples of 8. */
export function tileKernel(M: number, N: number, depth: number): Kernel {
  const [i, j, k, q] = ["i", "j", "k", "q"].map((n) => variable(n));
  const shared = (name: string, index: KernelExpr): KernelExpr => ({
    kind: "sharedLoad",
    array: name,
    index,
    dtype: "f32",
    width: 1,
  });
  const fill = (name: string, value: KernelExpr): Statement => ({
    kind: "sharedStore",
    array: name,
    index: local,
    value,
  });
  const row = add(multiply(K.builtin("workgroup.y"), 8), i);
  const column = add(multiply(K.builtin("workgroup.x"), 8), j);
  return kernel({
    name: "tile",
    workgroupSize: 64,
    workgroups: [N / 8, M / 8, 1],
    buffers: [buffer("A", M * depth), buffer("B", depth * N), buffer("C", M * N, { access: "write" })],
    shared: ["a", "b"].map((name) => ({ name, type: { dtype: "f32", width: 1 }, length: 64 })),
    schedule: { kind: "contraction", tile: 8 },
    body: [
      letting("i", divide(local, 8)),
      letting("j", remainder(local, 8)),
      { kind: "registers", name: "acc", type: { dtype: "f32", width: 1 }, shape: [], initial: 0 },
      loop(
        "k",
        depth,
        [
          fill("a", load("A", add(multiply(row, depth), add(k, j)), "f32", 1)),
          fill("b", load("B", add(multiply(add(k, i), N), column), "f32", 1)),
          barrier,
          loop("q", 8, [
            assign(
              "acc",
              [],
              K.fma(shared("a", add(multiply(i, 8), q)), shared("b", add(multiply(q, 8), j)), register("acc", [])),
            ),
          ]),
          barrier,
        ],
        { step: 8 },
      ),
      store("C", add(multiply(row, N), column), register("acc", [])),
    ],
  });
}

/** y[i] = x[i - 1] + x[i] + x[i + 1], zero outside: loads that go outside, their values selected away. */
export function stencilKernel(count: number): Kernel {
  const i = variable("i");
  const at = (offset: number) => load("x", add(i, int(offset)), "f32", 1);
  const guarded = (condition: KernelExpr, value: KernelExpr) => K.select(condition, value, f32(0));
  const left = guarded(lessThan(int(0), i), at(-1));
  const right = guarded(lessThan(i, int(count - 1)), at(1));
  return kernel({
    name: "stencil",
    workgroups: [count / 8, 1, 1],
    buffers: [buffer("x", count), buffer("y", count, { access: "write" })],
    body: [
      letting("i", globalId(8)),
      store("y", i, K.binary("add", K.binary("add", left, at(0), "f32"), right, "f32")),
    ],
  });
}

/** Numbers in [-1, 1) that look like noise and are the same in every run. */
export const noise = (length: number, seed = 1): Float64Array => {
  let state = seed;
  return Float64Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 23 - 1;
  });
};

/** C = A B in float64. */
export function product(A: Float64Array, B: Float64Array, M: number, N: number, depth: number): Float64Array {
  const C = new Float64Array(M * N);
  for (let i = 0; i < M; i++)
    for (let k = 0; k < depth; k++) for (let j = 0; j < N; j++) C[i * N + j] += A[i * depth + k] * B[k * N + j];
  return C;
}
