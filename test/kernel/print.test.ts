import { expect, test } from "vitest";
import type { KernelExpr } from "../../compiler/ir/kernel.ts";
import * as K from "../../compiler/ir/kernelExpr.ts";
import { printExpression, printKernel } from "../../compiler/text/printKernel.ts";
import { printWgsl } from "../../compiler/wgsl/print.ts";
import {
  barrier,
  buffer,
  contractionKernel,
  f32,
  int,
  kernel,
  lessThan,
  load,
  local,
  mapKernel,
  register,
  tileKernel,
  unless,
  variable,
  vectorKernel,
} from "./kernels.ts";

test("a contraction: what it needs, then its loop nest, unrolled loops as loops", () => {
  expect(printKernel(contractionKernel(8, 64, 12))).toBe(`\
kernel contraction workgroups [2, 2, 1] size 8 subgroup 8 {
  schedule contraction rows=4 columns=4 unroll=4
  operations 12288
  buffer A: f32x4[24] read of %A: f32[96]
  buffer B: f32x4[192] read of %B: f32[768]
  buffer C: f32x4[128] write of %C: f32[512]

  let row: i32 = workgroup.y * 4
  let column: i32 = workgroup.x * 8 + local
  registers acc: f32x4[4] = 0.0
  registers b: f32x4[4] = 0.0
  for k in 0..12 step 4 {
    let a: f32x4 = A[((row + subgroupLane % 4) * 12 + k) / 4]
    unroll u in 0..4 {
      b[u] = B[(k + u) * 16 + column]
    }
    unroll r in 0..4 {
      unroll u in 0..4 {
        acc[r] = fma(splat(broadcast(component(a, u), r)), b[u], acc[r])
      }
    }
  }
  unroll r in 0..4 {
    C[(row + r) * 16 + column] = acc[r]
  }
}
`);
});

test("workgroup memory, barriers, uniforms, sources, values in place", () => {
  const tile = tileKernel(8, 8, 8);
  const [a, , c] = tile.buffers;
  const text = printKernel({
    ...tile,
    uniforms: ["lr"],
    ops: ["dense", "relu"],
    locations: [{ file: "models/alexnet.ts", line: 5, column: 7 }],
    inPlace: [[c.value, a.value]],
  });
  expect(text.split("\n\n")[0]).toBe(`\
kernel tile workgroups [1, 1, 1] size 64 {
  schedule contraction tile=8
  operations 0
  ops dense, relu
  from @ models/alexnet.ts:5:7
  buffer A: f32[64] read of %A: f32[64]
  buffer B: f32[64] read of %B: f32[64]
  buffer C: f32[64] write of %C: f32[64]
  shared a: f32[64]
  shared b: f32[64]
  uniforms lr
  inPlace %C over %A`);
  expect(text).toContain("    b[local] = B[(k + i) * 8 + (workgroup.x * 8 + j)]\n    barrier\n");
  expect(text).toContain("  registers acc: f32 = 0.0\n");
});

test("a buffer in a texture", () => {
  const k = vectorKernel(16);
  const [x, ...others] = k.buffers;
  const inTexture = { ...k, buffers: [{ ...x, storage: "texture" as const }, ...others] };
  expect(printKernel(inTexture)).toContain(`  texture ${x.name}: f32x4[16] read of %${x.name}: f32[64]\n`);
  const { text, bindings } = printWgsl(inTexture);
  expect(bindings[0]).toEqual({ name: x.name, access: "texture" });
  expect(text).toContain(`@group(0) @binding(0) var ${x.name}: texture_storage_2d<rgba32float, read>;`);
  expect(text).toContain(`texel(${x.name}, `);
  expect(text).toContain("textureLoad(t, vec2<i32>(i & 8191, i >> 13u))");
  expect(text).not.toContain(`${x.name}[`);
});

test("branches", () => {
  const k = kernel({ buffers: [buffer("y", 1)], body: [unless(lessThan(local, int(4)), [barrier])] });
  expect(printKernel(k)).toContain("  if local < 4 {\n  } else {\n    barrier\n  }\n");
  expect(printKernel(mapKernel(16))).toBe(printKernel(mapKernel(16)));
});

const [a, b, c] = ["a", "b", "c"].map((n) => variable(n, "f32"));
const [i, j] = ["i", "j"].map((n) => variable(n));
const op = (name: (KernelExpr & { kind: "binary" })["op"], x: KernelExpr, y: KernelExpr) =>
  K.binary(name, x, y, ["lt", "le", "eq", "and", "or"].includes(name) ? "bool" : x.dtype);
const condition = op("lt", a, b);

test.each<[KernelExpr, string]>([
  [op("sub", a, op("sub", b, c)), "a - (b - c)"],
  [op("sub", op("sub", a, b), c), "a - b - c"],
  [op("mul", op("add", a, b), c), "(a + b) * c"],
  [op("add", op("mul", a, b), c), "a * b + c"],
  [op("mod", i, op("div", j, int(3))), "i % (j / 3)"],
  [op("and", condition, op("or", condition, op("eq", i, j))), "a < b and (a < b or i == j)"],
  [op("eq", condition, op("le", a, b)), "(a < b) == (a <= b)"],
  [op("shiftRight", op("bitAnd", i, int(255)), int(2)), "(i & 255) >> 2"],
  [op("max", a, op("min", b, f32(1))), "max(a, min(b, 1.0))"],
  [op("pow", a, f32(-0.5)), "pow(a, -0.5)"],
  [op("mul", f32(-2), a), "-2.0 * a"],
  [K.unary("neg", f32(3), "f32"), "-(3.0)"],
  [K.unary("neg", op("add", a, b), "f32"), "-(a + b)"],
  [op("sub", a, K.unary("neg", b, "f32")), "a - -b"],
  [K.unary("exp", K.unary("neg", a, "f32"), "f32"), "exp(-a)"],
  [K.unary("toF32", i, "f32"), "f32(i)"],
  [K.constant(7, "u32"), "7u"],
  [K.constant(1, "bool"), "true"],
  [f32(1e-7), "1e-7"],
  [f32(-0), "-0.0"],
  [{ kind: "constant", value: 0.5, dtype: "f32", width: 4 }, "f32x4(0.5)"],
  [K.vector([a, b, c, f32(0)]), "f32x4(a, b, c, 0.0)"],
  [K.component(load("x", i, "f32", 4), int(2)), "x[i].z"],
  [K.component(register("r", [int(0), i], "f32", 4), i), "component(r[0][i], i)"],
  [K.component({ ...K.fma(a, b, c), width: 4 }, int(0)), "fma(a, b, c).x"],
  [K.component({ kind: "binary", op: "add", a, b, dtype: "f32", width: 4 }, int(3)), "(a + b).w"],
  [K.select(condition, a, b), "select(a < b, a, b)"],
  [K.uniform("lr", "f32"), "uniform(lr)"],
  [{ kind: "builtin", name: "workgroup.x", dtype: "u32", width: 1 }, "workgroup.x:u32"],
  [{ kind: "random", stream: 2, element: K.unary("toU32", i, "u32"), dtype: "f32", width: 1 }, "random(2, u32(i))"],
])("%#: an expression", (e, text) => {
  expect(printExpression(e)).toBe(text);
});
