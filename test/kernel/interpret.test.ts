import { expect, test } from "vitest";
import { interpretKernel } from "../../compiler/interpret/interpretKernel.ts";
import type { Kernel, KernelExpr, Statement } from "../../compiler/ir/kernel.ts";
import * as K from "../../compiler/ir/kernelExpr.ts";
import { uniform } from "../../runtime/program/random.ts";
import {
  add,
  assign,
  barrier,
  buffer,
  contractionKernel,
  divide,
  f32,
  globalId,
  int,
  kernel,
  lessThan,
  letting,
  load,
  local,
  loop,
  mapKernel,
  multiply,
  noise,
  product,
  register,
  remainder,
  stencilKernel,
  store,
  tileKernel,
  unrolled,
  variable,
  vectorKernel,
  when,
} from "./kernels.ts";

/** Runs a kernel; buffers not given start as zeros. */
function run(k: Kernel, given: Record<string, ArrayLike<number>> = {}, uniforms = {}) {
  const memory = new Map(
    k.buffers.map((b) => [
      b.name,
      given[b.name] ? Float64Array.from(given[b.name]) : new Float64Array(b.length * b.width),
    ]),
  );
  interpretKernel(k, memory, uniforms);
  return (name: string) => [...memory.get(name)!];
}

const expectClose = (actual: ArrayLike<number>, expected: ArrayLike<number>) => {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) expect(actual[i], `element ${i}`).toBeCloseTo(expected[i], 11);
};

/** One workgroup of eight; the body stores to y. */
const eight = (body: readonly Statement[], extra: Partial<Kernel> = {}): Kernel =>
  kernel({ buffers: [buffer("y", 8, { access: "write" })], body, ...extra });

test("a map with a guarded tail", () => {
  const x = noise(19);
  const y = run(mapKernel(19), { x, b: [0.25] })("y");
  expect(y).toEqual([...x].map((v) => Math.max(v * 2 + 0.25, 0)));
});

test("vectors: elements of width 4 lie at 4*i..4*i+3", () => {
  const x = noise(64);
  const s = [1, 10, 100, 1000];
  expect(run(vectorKernel(16), { x, s })("y")).toEqual([...x].map((v, i) => v * s[i % 4]));
});

test("a contraction with subgroup broadcast", () => {
  const [M, N, depth] = [8, 64, 12];
  const [A, B] = [noise(M * depth), noise(depth * N, 2)];
  const C = run(contractionKernel(M, N, depth), { A, B })("C");
  expectClose(C, product(A, B, M, N, depth));
});

test("a contraction through workgroup memory", () => {
  const [M, N, depth] = [16, 24, 32];
  const [A, B] = [noise(M * depth), noise(depth * N, 2)];
  const C = run(tileKernel(M, N, depth), { A, B })("C");
  expectClose(C, product(A, B, M, N, depth));
});

test("ten million multiply-adds take a few seconds at most", () => {
  const [M, N, depth] = [160, 256, 256];
  const start = performance.now();
  const [A, B] = [noise(M * depth), noise(depth * N, 2)];
  const C = run(contractionKernel(M, N, depth), { A, B })("C");
  expect(performance.now() - start).toBeLessThan(10_000);
  expect(C[N + 3]).toBeCloseTo(product(A, B, M, N, depth)[N + 3], 10);
});

test("i32 and u32 wrap, divide and shift as WGSL says", () => {
  const i32 = (value: number) => K.constant(value, "i32");
  const u32 = (value: number) => K.constant(value, "u32");
  const cases: [KernelExpr, number][] = [
    [K.binary("add", i32(2147483647), i32(1), "i32"), -2147483648],
    [K.binary("mul", i32(65537), i32(65537), "i32"), 131073],
    [K.binary("mul", u32(4294967295), u32(4294967295), "u32"), 1],
    [K.binary("sub", u32(0), u32(1), "u32"), 4294967295],
    [K.binary("div", i32(-7), i32(2), "i32"), -3],
    [K.binary("mod", i32(-7), i32(2), "i32"), -1],
    [K.binary("div", i32(5), i32(0), "i32"), 5],
    [K.binary("shiftRight", u32(4294967295), u32(28), "u32"), 15],
    [K.binary("shiftRight", i32(-16), i32(2), "i32"), -4],
    [K.binary("bitAnd", u32(4294967295), u32(4042322160), "u32"), 4042322160],
    [K.unary("toI32", f32(-2.7), "i32"), -2],
    [K.unary("toU32", f32(-2.7), "u32"), 0],
    [K.unary("toI32", f32(1e20), "i32"), 2147483647],
    [K.unary("toU32", i32(-1), "u32"), 4294967295],
    [K.unary("neg", i32(-2147483648), "i32"), -2147483648],
  ];
  for (const [e, expected] of cases) {
    const dtype = e.dtype as "i32" | "u32";
    const k = kernel({
      workgroupSize: 1,
      buffers: [buffer("y", 1, { dtype, access: "write" })],
      body: [letting("v", e), store("y", int(0), variable("v", dtype))],
    });
    expect([e, run(k)("y")[0]]).toEqual([e, expected]);
  }
});

test("random numbers are Threefry's of seed, step, element and stream", () => {
  const k = eight(
    [
      store("y", local, {
        kind: "random",
        stream: 3,
        element: K.unary("toU32", add(local, int(5)), "u32"),
        dtype: "f32",
        width: 1,
      }),
    ],
    { uniforms: ["seed", "step"] },
  );
  const y = run(k, {}, { seed: 9, step: 4 })("y");
  expect(y).toEqual(Array.from({ length: 8 }, (_, i) => uniform(9, 4, i + 5, 3)));
  expect(() => run(k, {}, { seed: 9 })).toThrow("no value is given for uniform step");
});

test("lanes of a subgroup keep in step where a register is broadcast and assigned in one statement", () => {
  // Every lane adds what lane 7 has: were lanes run one after another, the last would see its own new value.
  const acc = register("acc", []);
  const k = eight(
    [
      { kind: "registers", name: "acc", type: { dtype: "f32", width: 1 }, shape: [], initial: 0 },
      assign("acc", [], K.unary("toF32", local, "f32")),
      loop("n", 3, [assign("acc", [], K.binary("add", acc, K.broadcast(acc, int(0)), "f32"))]),
      store("y", local, acc),
    ],
    { subgroupSize: 4 },
  );
  // Lane 0 of a subgroup doubles thrice; the others add 1, 2, 4 times its first value.
  expect(run(k)("y")).toEqual([0, 1, 2, 3, 4 * 8, 5 + 28, 6 + 28, 7 + 28]);
});

test("a broadcast between two uses of a register sees it as it was then", () => {
  const acc = register("acc", []);
  const k = eight(
    [
      { kind: "registers", name: "acc", type: { dtype: "f32", width: 1 }, shape: [], initial: 0 },
      assign("acc", [], K.unary("toF32", local, "f32")),
      letting("last", K.broadcast(acc, int(7))),
      assign("acc", [], f32(100)),
      store("y", local, K.binary("add", variable("last", "f32"), acc, "f32")),
    ],
    { subgroupSize: 8 },
  );
  expect(run(k)("y")).toEqual(Array(8).fill(107));
});

test("select, component and vector by position", () => {
  const v = K.vector([0, 1, 2, 3].map((c) => f32(c * 10)));
  const k = eight([
    letting("v", v),
    unrolled("c", 4, [
      when(K.equal(remainder(local, 4), variable("c")), [
        store("y", local, K.component(variable("v", "f32", 4), variable("c"))),
      ]),
    ]),
  ]);
  expect(run(k)("y")).toEqual([0, 10, 20, 30, 0, 10, 20, 30]);
  const mask = K.binary("lt", v, K.splat(f32(15)), "bool");
  const chosen = kernel({
    workgroupSize: 1,
    buffers: [buffer("y", 1, { width: 4, access: "write" })],
    body: [letting("mask", mask), store("y", int(0), K.select(variable("mask", "bool", 4), v, f32(-1)))],
  });
  expect(run(chosen)("y")).toEqual([0, 10, -1, -1]);
});

// ---------------------------------------------------------------- what ends a run

test("a load outside is allowed where its value goes nowhere", () => {
  const x = noise(16);
  const y = run(stencilKernel(16), { x })("y");
  expect(y).toEqual([...x].map((v, i) => (x[i - 1] ?? 0) + v + (x[i + 1] ?? 0)));
});

test("a load outside must not reach a store, however far it travels", () => {
  const guardless = (value: (outside: KernelExpr) => KernelExpr): Kernel =>
    kernel({
      buffers: [buffer("x", 8), buffer("y", 8, { access: "write" })],
      body: [
        { kind: "registers", name: "r", type: { dtype: "f32", width: 1 }, shape: [2], initial: 0 },
        letting("outside", load("x", add(local, int(1)), "f32", 1)),
        assign("r", [int(1)], variable("outside", "f32")),
        store("y", local, value(register("r", [int(1)]))),
      ],
    });
  const message = /the value stored comes from a load outside.*invocation 7 loads x's element 8 of its 8/;
  expect(() => run(guardless((v) => v))).toThrow(message);
  // Comparing, multiplying by zero or rounding to an integer does not wash it clean.
  expect(() => run(guardless((v) => K.select(lessThan(f32(0), v), f32(1), f32(2))))).toThrow(message);
  expect(() => run(guardless((v) => K.binary("mul", v, f32(0), "f32")))).toThrow(message);
  expect(() => run(guardless((v) => K.unary("toF32", K.unary("toI32", v, "i32"), "f32")))).toThrow(message);
  const inside = (v: KernelExpr) => K.select(lessThan(local, int(7)), v, f32(2));
  expect(run(guardless(inside), { x: [0, 1, 2, 3, 4, 5, 6, 7] })("y")).toEqual([1, 2, 3, 4, 5, 6, 7, 2]);
});

test("a load outside must not decide control flow or an index", () => {
  const outside = load("x", int(99), "i32", 1);
  const of = (body: readonly Statement[]) =>
    kernel({ buffers: [buffer("x", 8, { dtype: "i32" }), buffer("y", 8, { access: "write" })], body });
  expect(() => run(of([when(lessThan(outside, int(1)), [store("y", local, f32(1))])]))).toThrow(
    "what decides control flow comes from a load outside its memory",
  );
  expect(() => run(of([store("y", outside, f32(1))]))).toThrow("the index of a store comes from a load outside");
  const twice = load("y", outside, "f32", 1);
  const both = kernel({
    buffers: [buffer("x", 8, { dtype: "i32" }), buffer("y", 8, { access: "both" })],
    body: [letting("v", twice), store("y", local, variable("v", "f32"))],
  });
  expect(() => run(both)).toThrow("the value stored comes from a load outside");
});

test("NaN that comes from data may be stored", () => {
  const k = eight([store("y", local, K.unary("log", f32(-1), "f32"))]);
  expect(run(k)("y")).toEqual(Array(8).fill(Number.NaN));
});

test("a store outside its buffer", () => {
  expect(() => run(eight([store("y", add(local, int(1)), f32(1))]))).toThrow(
    "kernel k, workgroup (0, 0, 0), invocation 7, at `y[local + 1] = 1.0`: element 8 of y is outside its 8 elements",
  );
});

const sharedArray = { name: "s", type: { dtype: "f32", width: 1 }, length: 8 } as const;
const put = (index: KernelExpr, value: KernelExpr): Statement => ({ kind: "sharedStore", array: "s", index, value });
const get = (index: KernelExpr): KernelExpr => ({ kind: "sharedLoad", array: "s", index, dtype: "f32", width: 1 });
const opposite = K.binary("sub", int(7), local, "i32");

test("a barrier orders workgroup memory; without it, a race is reported", () => {
  const number = K.unary("toF32", local, "f32");
  const k = (between: readonly Statement[]) =>
    eight([put(local, number), ...between, store("y", local, get(opposite))], { shared: [sharedArray] });
  expect(run(k([barrier]))("y")).toEqual([7, 6, 5, 4, 3, 2, 1, 0]);
  expect(() => run(k([]))).toThrow(/invocation \d.*s\[\d\].*since the last barrier; put a barrier between them/);
});

test("a store after another invocation's load, and two stores, are races as well", () => {
  const k = (body: readonly Statement[]) => eight(body, { shared: [sharedArray] });
  const number = K.unary("toF32", local, "f32");
  const overwrite = [put(local, number), barrier, letting("v", get(opposite)), put(local, variable("v", "f32"))];
  expect(() => run(k([...overwrite, store("y", local, f32(0))]))).toThrow("since the last barrier");
  expect(() => run(k([put(int(0), number), store("y", local, f32(0))]))).toThrow(
    "store of s[0], which invocation 0 touched since the last barrier",
  );
});

test("workgroup memory that nobody wrote must not reach a store", () => {
  const k = eight([put(divide(local, 1), f32(1)), barrier, store("y", local, get(add(local, int(8))))], {
    shared: [{ ...sharedArray, length: 16 }],
  });
  expect(() => run(k)).toThrow("invocation 0 loads s's element 8, which nobody wrote");
  // Workgroup memory does not outlive its workgroup.
  const later = kernel({
    workgroups: [2, 1, 1],
    buffers: [buffer("y", 16, { access: "write" })],
    shared: [sharedArray],
    body: [
      when(K.equal(K.builtin("workgroup.x"), int(0)), [put(local, f32(1))]),
      barrier,
      store("y", globalId(8), get(local)),
    ],
  });
  expect(() => run(later)).toThrow("workgroup (1, 0, 0)");
});

test("poison in workgroup memory is followed", () => {
  const k = (bound: number) =>
    kernel({
      buffers: [buffer("x", 6), buffer("y", 8, { access: "write" })],
      shared: [sharedArray],
      body: [
        put(local, load("x", local, "f32", 1)),
        barrier,
        store("y", local, get(K.binary("min", local, int(bound), "i32"))),
      ],
    });
  expect(run(k(5), { x: [1, 2, 3, 4, 5, 6] })("y")).toEqual([1, 2, 3, 4, 5, 6, 6, 6]);
  expect(() => run(k(6), { x: [1, 2, 3, 4, 5, 6] })).toThrow("invocation 6 loads x's element 6 of its 6");
});

test("a barrier or broadcast that some invocations miss", () => {
  const k = (inside: Statement) =>
    eight([when(lessThan(local, int(4)), [inside]), store("y", local, f32(0))], { subgroupSize: 8 });
  expect(() => run(k(barrier))).toThrow("invocations of the workgroup disagree");
  expect(() => run(k(letting("v", K.broadcast(f32(1), int(0)))))).toThrow("invocations of the workgroup disagree");
  const bounds = {
    kind: "for",
    variable: "n",
    from: int(0),
    to: local,
    step: 1,
    unroll: false,
    body: [barrier],
  } as const;
  expect(() => run(eight([bounds, store("y", local, f32(0))]))).toThrow("at `for n in 0..local`");
});

test("invocations of one dispatch have no order: one reads what another writes", () => {
  const x = noise(16);
  const shift = kernel({
    workgroups: [2, 1, 1],
    buffers: [buffer("x", 16, { access: "both" })],
    body: [
      letting("i", globalId(8)),
      letting("v", load("x", K.binary("min", add(variable("i"), int(1)), int(15), "i32"), "f32", 1)),
      store("x", variable("i"), variable("v", "f32")),
    ],
  });
  expect(() => run(shift, { x })).toThrow("invocations of one dispatch have no order");
  const same = eight([store("y", int(0), f32(1))]);
  expect(() => run(same)).toThrow(
    "store of number 0 of y, which invocation 0 of workgroup (0, 0, 0) touched; invocations of one dispatch have no order",
  );
});

test("one array under two names: a value may be written in place of one that only its own invocation reads", () => {
  const k = mapKernel(16);
  const x = noise(16);
  const memory = Float64Array.from(x);
  interpretKernel(
    k,
    new Map([
      ["x", memory],
      ["y", memory],
      ["b", new Float64Array(1)],
    ]),
    {},
  );
  expect([...memory]).toEqual([...x].map((v) => Math.max(2 * v, 0)));
  const stencil = new Map([["x", Float64Array.from(x)]]);
  stencil.set("y", stencil.get("x")!);
  expect(() => interpretKernel(stencilKernel(16), stencil, {})).toThrow("have no order");
});

test("memory that does not fit the kernel", () => {
  const k = mapKernel(8);
  expect(() => interpretKernel(k, new Map([["x", new Float64Array(8)]]), {})).toThrow(
    "kernel map: no memory is given for buffer b",
  );
  expect(() => run(k, { x: [1, 2] })).toThrow("buffer x has 8 elements, the memory given for it has 2");
  expect(() => run({ ...contractionKernel(4, 32, 4), subgroupSize: undefined })).toThrow("does not fix their size");
  expect(() => run({ ...contractionKernel(4, 32, 4), subgroupSize: 3 })).toThrow("whole subgroups of 3");
});

test("a register index that leaves its array", () => {
  const k = eight([
    { kind: "registers", name: "r", type: { dtype: "f32", width: 1 }, shape: [2], initial: 0 },
    unrolled("u", 3, [assign("r", [variable("u")], f32(1))]),
    store("y", local, register("r", [int(0)])),
  ]);
  expect(() => run(k)).toThrow("a register array is indexed by 2; it must be in 0..1");
});

test("loops without broadcast may have bounds that differ between lanes", () => {
  const acc = register("acc", []);
  const k = eight([
    { kind: "registers", name: "acc", type: { dtype: "f32", width: 1 }, shape: [], initial: 0 },
    {
      kind: "for",
      variable: "n",
      from: int(0),
      to: multiply(local, 2),
      step: 2,
      unroll: false,
      body: [assign("acc", [], K.binary("add", acc, f32(1), "f32"))],
    },
    store("y", local, acc),
  ]);
  expect(run(k)("y")).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});
