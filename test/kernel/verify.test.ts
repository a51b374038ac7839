import { describe, expect, test } from "vitest";
import type { Kernel, KernelExpr, Statement } from "../../compiler/ir/kernel.ts";
import * as K from "../../compiler/ir/kernelExpr.ts";
import { f32 as f32Type } from "../../compiler/ir/types.ts";
import { verifyKernel } from "../../compiler/ir/verifyKernel.ts";
import { wgslStorageTextures } from "../../runtime/program/schema.ts";
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
  register,
  remainder,
  stencilKernel,
  store,
  target,
  tileKernel,
  unless,
  unrolled,
  variable,
  vectorKernel,
  when,
} from "./kernels.ts";

/** Problems without the kernel's name. */
const problems = (k: Kernel, options = {}, t = target): string[] =>
  verifyKernel(k, t, options).map((p) => p.replace(`kernel ${k.name}: `, ""));

const eight = (body: readonly Statement[], extra: Partial<Kernel> = {}): Kernel =>
  kernel({ buffers: [buffer("y", 8, { access: "write" })], body, ...extra });

const zero: Statement = store("y", local, f32(0));
const scalarRegister = (name: string): Statement => ({
  kind: "registers",
  name,
  type: { dtype: "f32", width: 1 },
  shape: [],
  initial: 0,
});

test("good kernels have no problems, every index proved", () => {
  for (const k of [mapKernel(19), vectorKernel(16), contractionKernel(8, 64, 12), tileKernel(16, 24, 32)])
    expect(problems(k, { strict: true, strictLoads: true }), k.name).toEqual([]);
});

// ---------------------------------------------------------------- declarations

test("declarations that the body contradicts", () => {
  const map = mapKernel(16);
  const [x, b, y] = map.buffers;
  const withBuffers = (...buffers: Kernel["buffers"]) => problems({ ...map, buffers });
  expect(withBuffers(x, b, y, buffer("z", 4))).toEqual([
    "buffer z is not used",
    "buffer z is declared read, but the body does not do it",
  ]);
  expect(withBuffers({ ...x, writes: true }, b, y)).toEqual([
    "buffer x is declared written, but the body does not do it",
  ]);
  expect(withBuffers(x, b, { ...y, reads: true })).toEqual(["buffer y is declared read, but the body does not do it"]);
  expect(withBuffers({ ...x, reads: false }, b, y)).toEqual(["buffer x is read, but not declared so"]);
  expect(withBuffers(x, b, { ...y, writes: false })).toEqual(["buffer y is written, but not declared so"]);
  expect(withBuffers(x, b, y, x)).toContain("x is declared twice");
  expect(withBuffers(x, b, { ...y, value: { ...y.value, type: f32Type(15) } })).toEqual([
    "buffer y has 16 numbers, its value f32[15] only 15",
  ]);
  expect(withBuffers(x, b, { ...y, value: buffer("y", 16, { dtype: "u32" }).value })).toEqual([
    "buffer y is f32, its value u32[16]",
  ]);
});

test("uniforms", () => {
  const body = [store("y", local, K.uniform("lr", "f32"))];
  expect(problems(eight(body, { uniforms: ["lr"] }))).toEqual([]);
  expect(problems(eight(body))).toEqual(["uniform lr is used, but not listed"]);
  expect(problems(eight(body, { uniforms: ["lr", "lr"] }))).toEqual(["a uniform is listed twice"]);
  expect(problems(eight(body, { uniforms: ["lr", "step"] }))).toEqual(["uniform step is listed, but not used"]);
  const element = K.constant(1, "u32");
  const random = { kind: "random", stream: 0, element, dtype: "f32", width: 1 } as const;
  expect(problems(eight([store("y", local, random)], { uniforms: ["seed"] }))).toEqual([
    "uniform step is used, but not listed",
  ]);
});

test("values written in place of others", () => {
  const map = mapKernel(16);
  const [x, b, y] = map.buffers;
  const inPlace = (...pair: [(typeof x)["value"], (typeof x)["value"]]) => problems({ ...map, inPlace: [pair] });
  expect(inPlace(y.value, x.value)).toEqual([]);
  expect(inPlace(y.value, b.value)).toEqual(["%y in place of %b: f32[16] and f32[1] differ in size"]);
  expect(inPlace(x.value, y.value)).toEqual([
    "%x in place of %y: %x is not written",
    "%x in place of %y: %y is not read",
  ]);
});

test("versions of one storage share a binding", () => {
  const [a, b, y] = vectorKernel(8).buffers;
  const storageOf = (v: (typeof a)["value"]) => (v === y.value ? a.value : v);
  const limited = { ...target, limits: { ...target.limits, maxStorageBuffersPerShaderStage: 2 } };
  expect(problems(vectorKernel(8), {}, limited)).toHaveLength(1);
  const k = { ...vectorKernel(8), buffers: [a, b, y] };
  expect(problems(k, { storageOf }, limited)).toEqual([]);
  expect(problems(k, { storageOf: (v: typeof a.value) => (v === b.value ? a.value : v) })).toEqual([
    "buffers x and s are one storage, but have elements of width 4 and 1",
  ]);
});

test("workgroup arrays", () => {
  const tile = tileKernel(8, 8, 8);
  const unused = { name: "c", type: { dtype: "f32", width: 1 }, length: 4 } as const;
  expect(problems({ ...tile, shared: [...tile.shared, unused] })).toEqual([
    "workgroup array c is not read",
    "workgroup array c is not written",
  ]);
  expect(problems({ ...tile, shared: [...tile.shared, { ...unused, name: "C" }] })).toContain("C is declared twice");
});

// ---------------------------------------------------------------- the target's limits

test("limits of the target", () => {
  const limited = (limits: Partial<typeof target.limits>, k: Kernel) =>
    problems(k, {}, { ...target, limits: { ...target.limits, ...limits } });
  const tile = tileKernel(16, 24, 8);
  expect(limited({ maxComputeInvocationsPerWorkgroup: 32 }, tile)).toEqual([
    "invocations a workgroup: 64; test allows 32 (maxComputeInvocationsPerWorkgroup)",
  ]);
  expect(limited({ maxComputeWorkgroupSizeX: 32 }, tile)).toEqual([
    "workgroup size: 64; test allows 32 (maxComputeWorkgroupSizeX)",
  ]);
  expect(limited({ maxComputeWorkgroupsPerDimension: 2 }, tile)).toEqual([
    "workgroups along x: 3; test allows 2 (maxComputeWorkgroupsPerDimension)",
  ]);
  expect(limited({ maxStorageBuffersPerShaderStage: 2 }, tile)).toEqual([
    "storage buffers: 3; test allows 2 (maxStorageBuffersPerShaderStage)",
  ]);
  expect(limited({ maxComputeWorkgroupStorageSize: 511 }, tile)).toEqual([
    "bytes of workgroup memory: 512; test allows 511 (maxComputeWorkgroupStorageSize)",
  ]);
  expect(limited({ maxStorageBufferBindingSize: 1000 }, tile)).toEqual([
    "bytes of buffer C: 1536; test allows 1000 (maxStorageBufferBindingSize)",
  ]);
  expect(limited({ maxBufferSize: 1000 }, tile)).toEqual(["bytes of buffer C: 1536; test allows 1000 (maxBufferSize)"]);
});

test("textures", () => {
  const k = vectorKernel(16);
  const [x, ...others] = k.buffers;
  const withTexture = (change = {}) => ({
    ...k,
    buffers: [{ ...x, storage: "texture" as const, ...change }, ...others],
  });
  const able = { ...target, features: [...target.features, wgslStorageTextures] };
  expect(problems(withTexture(), { strict: true, strictLoads: true }, able)).toEqual([]);
  expect(problems(withTexture())).toEqual([
    `it reads textures; test does not have the feature "${wgslStorageTextures}"`,
  ]);
  expect(problems(withTexture({ writes: true }), {}, able)).toContain("texture x is written; textures are only read");
  expect(problems(withTexture({ width: 1, length: 16 }), {}, able)).toContain(
    "texture x has elements f32 of width 1; a texel is four f32",
  );
  const huge = { name: "x", type: f32Type(8193, 8192, 4) };
  expect(problems(withTexture({ value: huge, length: 8193 * 8192 }), {}, able)).toContain(
    "f32[8193,8192,4] fits no texture, which x is to be",
  );
  // A texture is no storage buffer: neither counted as one nor bound by its size.
  const limits = { ...able.limits, maxStorageBuffersPerShaderStage: others.length, maxStorageBufferBindingSize: 256 };
  const larger = { value: { ...x.value, type: f32Type(128) }, length: 32 };
  expect(problems(withTexture(larger), {}, { ...able, limits })).toEqual([]);
  const many = Array.from({ length: 5 }, (_, i) => ({ ...x, name: `x${i}`, storage: "texture" as const }));
  expect(problems({ ...k, buffers: [...many, ...others] }, {}, able)).toContain(
    "textures: 5; WebGPU allows 4 (maxStorageTexturesPerShaderStage)",
  );
});

test("subgroups", () => {
  const contraction = contractionKernel(4, 32, 4);
  const none = { ...target, features: [], subgroupSize: null };
  expect(problems(contraction, {}, none)).toEqual([
    'it needs subgroups of 8; test does not have the feature "subgroups"',
    "it needs subgroups of 8; those of test are of no fixed size",
  ]);
  expect(problems(contraction, {}, { ...target, subgroupSize: 4 })).toEqual([
    "it needs subgroups of 8; those of test are of 4",
  ]);
  expect(problems({ ...contraction, subgroupSize: undefined })).toEqual([
    "subgroupLane is used, but the kernel does not fix the subgroup size that it counts on",
    "broadcast is used, but the kernel does not fix the subgroup size that it counts on",
  ]);
  expect(problems({ ...contraction, workgroupSize: 12 })).toContain(
    "workgroups of 12 do not consist of whole subgroups of 8",
  );
});

// ---------------------------------------------------------------- names and types

const typeErrors: [name: string, body: readonly Statement[], problem: string][] = [
  ["a name before its let", [store("y", local, variable("t", "f32"))], "no variable t is declared here"],
  [
    "a name out of scope",
    [when(lessThan(local, int(4)), [letting("t", f32(1))]), store("y", local, variable("t", "f32"))],
    "no variable t is declared here",
  ],
  [
    "a loop's variable after it",
    [loop("n", 4, []), store("y", variable("n"), f32(0))],
    "no variable n is declared here",
  ],
  ["a name declared twice", [letting("t", f32(1)), loop("n", 4, [letting("t", f32(1))]), zero], "t is declared twice"],
  ["a let used as another type", [letting("t", int(1)), store("y", local, variable("t", "f32"))], "t is i32, not f32"],
  ["a register that is none", [assign("acc", [], f32(1)), zero], "no register acc is declared here"],
  ["a let assigned", [letting("t", f32(0)), assign("t", [], f32(1)), zero], "no register t is declared here"],
  [
    "too few indices",
    [
      { kind: "registers", name: "r", type: { dtype: "f32", width: 1 }, shape: [2, 2], initial: 0 },
      assign("r", [int(0)], f32(1)),
      zero,
    ],
    "r has 2 dimensions and is given 1 indices",
  ],
  [
    "an assignment of another type",
    [scalarRegister("r"), assign("r", [], int(1)), zero],
    "the value for r is i32, it must be f32",
  ],
  ["a store of another width", [store("y", local, K.splat(f32(0)))], "the value for buffer y is f32x4, it must be f32"],
  ["a store to nothing", [zero, store("z", local, f32(0))], "no buffer z is declared"],
  ["an index in floating point", [store("y", f32(0), f32(0))], "the index is f32, it must be i32 or u32"],
  [
    "a load of another width",
    [store("y", local, K.component(load("y", local, "f32", 4), int(0)))],
    "y is f32, not f32x4",
  ],
  ["a condition that is none", [when(local, [zero]), zero], "the condition is i32, it must be bool"],
  [
    "operands of two types",
    [store("y", local, K.binary("add", f32(1), int(1), "f32"))],
    "add of f32 and i32 is no f32",
  ],
  [
    "operands of two widths",
    [store("y", local, { kind: "binary", op: "mul", a: f32(1), b: K.splat(f32(1)), dtype: "f32", width: 1 })],
    "mul of f32 and f32x4 is no f32",
  ],
  [
    "a comparison that claims a number",
    [store("y", local, K.binary("lt", f32(1), f32(2), "f32"))],
    "lt of f32 and f32 is no f32",
  ],
  ["exp of an integer", [store("y", local, K.unary("exp", int(1), "f32"))], "exp of i32 is no f32"],
  ["a conversion to something else", [store("y", local, K.unary("toI32", f32(1), "f32"))], "toI32 of f32 is no f32"],
  [
    "fma of integers",
    [letting("t", K.fma(int(1), int(2), int(3))), zero],
    "fma takes three f32 of one width, not i32, i32, i32",
  ],
  [
    "a select by a number",
    [store("y", local, K.select(f32(1), f32(1), f32(2)))],
    "the condition is f32, it must be bool",
  ],
  [
    "a select between types",
    [store("y", local, K.select(lessThan(local, int(1)), f32(1), int(2)))],
    "it chooses between f32 and i32 and claims to be f32",
  ],
  [
    "a component of a scalar",
    [store("y", local, { kind: "component", of: f32(1), index: int(0), dtype: "f32", width: 1 })],
    "only a vector has components",
  ],
  [
    "a vector of mixed parts",
    [letting("v", { kind: "vector", parts: [f32(1), f32(1), f32(1), int(1)], dtype: "f32", width: 4 }), zero],
    "the parts are f32, f32, f32, i32, they must be f32",
  ],
  ["infinity", [store("y", local, f32(Infinity))], "Infinity is no f32"],
  ["a fraction as an integer", [letting("i", K.constant(1.5, "i32")), zero], "1.5 is no i32"],
  ["a step of 0", [loop("n", 4, [], { step: 0 }), zero], "a step is 0, it must be a positive integer"],
  ["a uniform of another type", [store("y", local, K.uniform("step", "f32"))], "uniform step is u32, not f32"],
  [
    "a register array named as a buffer",
    [{ kind: "registers", name: "y", type: { dtype: "f32", width: 1 }, shape: [2], initial: 0 }, zero],
    "the register array y has the name of a buffer or workgroup array",
  ],
];

test.each(typeErrors)("%s", (_, body, problem) => {
  const found = problems(eight(body)).join("\n");
  expect(found).toContain(problem);
});

// ---------------------------------------------------------------- constants after unrolling

test("register, component and lane indices", () => {
  const r: Statement = { kind: "registers", name: "r", type: { dtype: "f32", width: 4 }, shape: [4], initial: 0 };
  const lane = (e: KernelExpr) => eight([store("y", local, K.broadcast(f32(1), e))], { subgroupSize: 8 });
  const of = (...body: Statement[]) => problems(eight([r, ...body, zero]));
  const u = variable("u");
  const vector = K.splat(f32(1));
  expect(of(unrolled("u", 4, [assign("r", [u], vector)]))).toEqual([]);
  expect(of(unrolled("u", 2, [unrolled("v", 2, [assign("r", [add(multiply(u, 2), variable("v"))], vector)])]))).toEqual(
    [],
  );
  expect(of(unrolled("u", 5, [assign("r", [u], vector)]))[0]).toContain(
    "index u of register r is 4 where u = 4, it must be in 0..3",
  );
  expect(of(unrolled("u", 4, [assign("r", [K.binary("sub", u, int(1), "i32")], vector)]))[0]).toContain(
    "is -1 where u = 0",
  );
  expect(of(loop("u", 4, [assign("r", [u], vector)]))[0]).toContain(
    "index u of register r is not constant once loops are unrolled",
  );
  expect(of(letting("t", K.component(register("r", [int(0)], "f32", 4), local)))[0]).toContain(
    "component local is not constant once loops are unrolled",
  );
  expect(of(letting("t", { ...K.component(register("r", [int(0)], "f32", 4), int(4)) }))[0]).toContain(
    "component 4 is 4, it must be in 0..3",
  );
  expect(problems(lane(int(7)))).toEqual([]);
  expect(problems(lane(int(8)))[0]).toContain("broadcast from lane 8 is 8, it must be in 0..7");
  expect(problems(lane(local))[0]).toContain("broadcast from lane local is not constant once loops are unrolled");
  const varying: Statement = { kind: "for", variable: "n", from: int(0), to: local, step: 1, unroll: true, body: [] };
  expect(of(varying)[0]).toContain("the bound local of an unrolled loop is not constant");
});

test("an indexed array may be indexed by what varies, inside its bounds", () => {
  const body = (shape: number[], to: number): Statement[] => [
    { kind: "registers", name: "d", type: { dtype: "f32", width: 1 }, shape, initial: 0, indexed: true },
    loop("n", to, [assign("d", [variable("n")], f32(1))]),
    store("y", local, register("d", [local])),
  ];
  expect(problems(eight(body([8], 8)), { strict: true })).toEqual([]);
  expect(problems(eight(body([8], 9)))).toEqual(["`d[n] = 1.0`: register d at 8, outside its 8 elements, where n = 8"]);
  expect(problems(eight(body([7], 7)))[0]).toContain("register d at 7, outside its 7 elements, where local = 7");
  expect(problems(eight([{ ...body([8], 8)[0], initial: 1 } as Statement, zero]))[0]).toContain(
    "an indexed array has one dimension and starts at 0",
  );
});

// ---------------------------------------------------------------- uniformity

const inside = (e: KernelExpr, body: readonly Statement[]): Statement => when(lessThan(e, int(1)), body);
const divergent: [name: string, body: readonly Statement[], why: string][] = [
  ["the invocation's number", [inside(local, [barrier])], "`if local < 1`"],
  ["a let of it", [letting("i", add(local, int(1))), inside(variable("i"), [barrier])], "`if i < 1`"],
  ["the lane", [inside(K.builtin("subgroupLane"), [barrier])], "`if subgroupLane < 1`"],
  ["memory", [inside(K.unary("toI32", load("x", int(0), "f32", 1), "i32"), [barrier])], "`if i32(x[0]) < 1`"],
  ["the other branch", [unless(lessThan(local, int(1)), [barrier])], "`if local < 1`"],
  [
    "a loop that lanes leave at different times",
    [{ kind: "for", variable: "n", from: int(0), to: local, step: 1, unroll: false, body: [barrier] }],
    "`for n in 0..local`",
  ],
  [
    "a register assigned under such a condition",
    [
      { kind: "registers", name: "n", type: { dtype: "i32", width: 1 }, shape: [], initial: 0 },
      inside(local, [assign("n", [], int(1))]),
      inside(register("n", [], "i32"), [barrier]),
    ],
    "`if n < 1`",
  ],
  [
    "a register that a later iteration makes vary",
    [
      { kind: "registers", name: "n", type: { dtype: "i32", width: 1 }, shape: [], initial: 0 },
      loop("k", 2, [inside(register("n", [], "i32"), [barrier]), assign("n", [], local)]),
    ],
    "`if n < 1`",
  ],
  ["uniform control flow inside it", [inside(local, [loop("k", 2, [barrier])])], "`if local < 1`"],
];

test.each(divergent)("a barrier behind %s", (_, body, why) => {
  const k = kernel({
    subgroupSize: 8,
    buffers: [buffer("x", 8), buffer("y", 8, { access: "write" })],
    body: [...body, store("y", local, load("x", local, "f32", 1))],
  });
  expect(problems(k)).toEqual([`barrier under lane-dependent control flow: ${why}`]);
});

test("barriers and broadcasts that all reach", () => {
  const shown = letting("v", K.broadcast(f32(1), int(0)));
  const uniformly = [
    inside(K.builtin("workgroup.x"), [barrier, shown]),
    loop("k", 3, [inside(variable("k"), [barrier])]),
    letting("w", add(K.builtin("workgroup.x"), int(1))),
    { kind: "for", variable: "n", from: int(0), to: variable("w"), step: 1, unroll: false, body: [barrier] },
  ] as const;
  expect(problems(eight([...uniformly, zero], { subgroupSize: 8 }))).toEqual([]);
});

test("a broadcast that some invocations miss", () => {
  const shown = K.broadcast(f32(1), int(0));
  const k = (body: readonly Statement[]) => eight([...body, zero], { subgroupSize: 8 });
  expect(problems(k([inside(local, [letting("v", shown)])]))).toEqual([
    "broadcast in `let v: f32 = broadcast(1.0, 0)` under lane-dependent control flow: `if local < 1`",
  ]);
  const short = K.both(lessThan(local, int(1)), lessThan(f32(0), shown));
  expect(problems(k([letting("b", short)]))[0]).toContain("behind local < 1");
});

// ---------------------------------------------------------------- bounds

test("a store outside, with the point where it is", () => {
  const [x, b, y] = mapKernel(19).buffers;
  const unguarded = { ...mapKernel(19), body: [letting("i", globalId(8)), ...(mapKernel(19).body[1] as any).then] };
  expect(problems({ ...unguarded, buffers: [x, b, y] })).toEqual([
    "`y[i] = select(0.0 < t, t, 0.0)`: store to y at 23, outside its 19 elements, where workgroup.x = 2, local = 7",
  ]);
  const offByOne = {
    ...mapKernel(19),
    body: [mapKernel(19).body[0], when(K.atMost(variable("i"), int(19)), (mapKernel(19).body[1] as any).then)],
  };
  expect(problems(offByOne)).toEqual([
    "`y[i] = select(0.0 < t, t, 0.0)`: store to y at 19, outside its 19 elements, where workgroup.x = 2, local = 3",
  ]);
  expect(problems(eight([store("y", K.binary("sub", local, int(1), "i32"), f32(0))]))).toEqual([
    "`y[local - 1] = 0.0`: store to y at -1, outside its 8 elements, where local = 0",
  ]);
});

test("guards of several forms are understood", () => {
  const sum = add(multiply(K.builtin("workgroup.x"), 8), local);
  const i = variable("i");
  const within = (condition: KernelExpr) =>
    kernel({
      workgroups: [4, 1, 1],
      buffers: [buffer("y", 20, { access: "write" })],
      body: [letting("i", sum), letting("ok", condition), when(variable("ok", "bool"), [store("y", i, f32(0))])],
    });
  const strict = (k: Kernel) => problems(k, { strict: true });
  expect(strict(within(lessThan(i, int(20))))).toEqual([]);
  expect(strict(within(K.atMost(i, int(19))))).toEqual([]);
  expect(strict(within(lessThan(add(i, int(5)), int(25))))).toEqual([]);
  expect(strict(within(K.both(lessThan(int(-1), i), lessThan(i, int(20)))))).toEqual([]);
  expect(strict(within(lessThan(multiply(i, 2), int(39))))).toEqual([]);
  expect(strict(within(lessThan(multiply(K.builtin("workgroup.x"), 8), int(13))))).toEqual([]);
  expect(strict(within(lessThan(multiply(K.builtin("workgroup.x"), 8), int(20))))[0]).toContain("outside its 20");
  const otherwise = unless(K.atMost(int(20), i), [store("y", i, f32(0))]);
  expect(strict({ ...within(lessThan(i, int(1))), body: [letting("i", sum), otherwise] })).toEqual([]);
});

test("a guard on multiples of four holds for the three behind each", () => {
  // Lane by lane four columns of three rows each: 4 * local < 12 leaves 8, not 11, as the last first column.
  const column = multiply(local, 4);
  const last = (place: number) =>
    kernel({
      workgroups: [1, 1, 1],
      buffers: [buffer("y", 36, { access: "write" })],
      body: [when(lessThan(column, int(12)), [store("y", add(multiply(column, 3), int(place)), f32(0))])],
    });
  expect(problems(last(11), { strict: true })).toEqual([]);
  expect(problems(last(12), { strict: true })[0]).toContain("store to y at 36, outside its 36 elements");
});

test("row and column of a tile that overhangs: the guard relates to the index through both", () => {
  // 13 rows of 10 elements, four rows an invocation.
  const row = add(multiply(K.builtin("workgroup.x"), 4), variable("r"));
  const k = (condition: KernelExpr) =>
    kernel({
      workgroupSize: 10,
      workgroups: [4, 1, 1],
      buffers: [buffer("y", 130, { access: "write" })],
      body: [
        unrolled("r", 4, [
          letting("row", row),
          when(condition, [store("y", add(multiply(variable("row"), 10), local), f32(0))]),
        ]),
      ],
    });
  expect(problems(k(lessThan(variable("row"), int(13))), { strict: true })).toEqual([]);
  expect(problems(k(lessThan(variable("row"), int(14))))[0]).toMatch(/store to y at 13\d, outside its 130 elements/);
});

test("division and remainder stay related", () => {
  const i = variable("i");
  // [7, 9] flattened, rebuilt transposed: (i % 9) * 7 + i / 9.
  const k = (columns: number) =>
    kernel({
      workgroups: [8, 1, 1],
      buffers: [buffer("y", 63, { access: "write" })],
      body: [
        letting("i", globalId(8)),
        when(lessThan(i, int(63)), [store("y", add(multiply(remainder(i, columns), 7), divide(i, columns)), f32(0))]),
      ],
    });
  expect(problems(k(9), { strict: true })).toEqual([]);
  expect(problems(k(10))[0]).toContain("outside its 63 elements");
});

describe("a guard narrows what is divided, and rounding counts", () => {
  const [i, h] = [variable("i"), variable("h")];
  const rowsOf = (index: KernelExpr, length: number) =>
    kernel({
      workgroups: [2, 1, 1],
      buffers: [buffer("y", length, { access: "write" })],
      body: [
        letting("i", globalId(8)),
        when(lessThan(i, int(10)), [loop("h", 2, [store("y", add(index, multiply(h, 5)), f32(0))])]),
      ],
    });

  test("rows of a softmax: i < 10 makes i / 5 at most 1", () => {
    // [2, 2, 5] along the middle: (i / 5) * 10 + i % 5 + h * 5.
    const index = add(multiply(divide(i, 5), 10), remainder(i, 5));
    expect(problems(rowsOf(index, 20), { strict: true })).toEqual([]);
    expect(problems(rowsOf(index, 19))[0]).toContain("outside its 19 elements");
  });

  test("parts of a remainder under a guard on their sum", () => {
    // Columns [3, 2, 4] of 8: 4 * (i % 4) + 16 * (i / 4) + c < 24, at 8 * (column / 4) + column % 4.
    const c = variable("c");
    const k = (length: number) =>
      kernel({
        workgroups: [2, 1, 1],
        buffers: [buffer("y", length, { access: "write" })],
        body: [
          letting("i", globalId(4)),
          letting("lane", remainder(i, 4)),
          loop("c", 4, [
            when(lessThan(add(add(multiply(variable("lane"), 4), multiply(divide(i, 4), 16)), c), int(24)), [
              store(
                "y",
                add(
                  add(multiply(remainder(variable("lane"), 2), 8), multiply(divide(variable("lane"), 2), 16)),
                  add(multiply(divide(i, 4), 32), c),
                ),
                f32(0),
              ),
            ]),
          ]),
        ],
      });
    expect(problems(k(44), { strict: true })).toEqual([]);
    expect(problems(k(43))[0]).toContain("outside its 43 elements");
  });
});

test("clamps bound an index; data alone does not", () => {
  const label = load("x", local, "i32", 1);
  const at = (index: KernelExpr) =>
    kernel({
      buffers: [buffer("x", 8, { dtype: "i32" }), buffer("y", 10, { access: "write" })],
      body: [letting("l", label), store("y", index, f32(0))],
    });
  const clamped = K.binary("min", K.binary("max", variable("l"), int(0), "i32"), int(9), "i32");
  expect(problems(at(clamped), { strict: true })).toEqual([]);
  expect(problems(at(variable("l")))).toEqual([]);
  expect(problems(at(variable("l")), { strict: true })).toEqual([
    "`y[l] = 0.0`: cannot prove that l is inside the 10 elements of y",
  ]);
});

test("loads outside are reported where they always are, and on request", () => {
  expect(problems(stencilKernel(16))).toEqual([]);
  // The selects around them guard them.
  expect(problems(stencilKernel(16), { strictLoads: true })).toEqual([]);
  const k = (index: KernelExpr) =>
    kernel({
      buffers: [buffer("x", 8), buffer("y", 8, { access: "write" })],
      body: [store("y", local, load("x", index, "f32", 1))],
    });
  expect(problems(k(add(local, int(8))))[0]).toContain("load from x at local + 8 is always outside its 8 elements");
  expect(problems(k(add(local, int(7))))).toEqual([]);
  expect(problems(k(add(local, int(7))), { strictLoads: true })[0]).toContain("load from x at 14, outside its 8");
});

test("workgroup memory has bounds too", () => {
  const tile = tileKernel(8, 8, 8);
  const short = { ...tile, shared: tile.shared.map((a) => ({ ...a, length: 63 })) };
  expect(problems(short)[0]).toContain("store to a at 63, outside its 63 elements, where local = 63");
});
