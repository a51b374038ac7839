import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  f32,
  formatSafetensors,
  parseSafetensors,
  type StoredTensor,
  toFloat32,
  toInt32,
} from "../../runtime/program/safetensors.ts";

const file = (header: unknown, data = 0, length?: number): Uint8Array => {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  bytes.set(text, 8);
  return bytes;
};
const parse = (bytes: Uint8Array) => parseSafetensors(bytes, "w.safetensors");

test("what is written is read again, names, shapes, types and metadata", () => {
  const tensor = fc
    .tuple(
      fc.constantFrom("F32" as const, "F64" as const, "I32" as const, "I64" as const, "U8" as const, "BF16" as const),
      fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    )
    .map(([dtype, shape]): StoredTensor => {
      const length = shape.reduce((a, b) => a * b, 1);
      const values = Array.from({ length }, (_, i) => i * 3);
      const data = {
        F64: () => Float64Array.from(values),
        F32: () => Float32Array.from(values),
        I32: () => Int32Array.from(values, (value) => -value),
        I64: () => BigInt64Array.from(values, (value) => BigInt(-value)),
        U8: () => Uint8Array.from(values),
        BF16: () => Uint16Array.from(values),
      }[dtype]();
      return { dtype, shape, data } as StoredTensor;
    });
  const name = fc.string({ minLength: 1 }).filter((s) => s !== "__metadata__" && s !== "__proto__");
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(name, tensor), { selector: ([n]) => n, maxLength: 6 }),
      fc.dictionary(name, fc.string()),
      (tensors, metadata) => {
        const read = parse(formatSafetensors(tensors, metadata));
        expect(new Map(read.tensors)).toEqual(new Map(tensors));
        expect(Object.fromEntries(read.metadata)).toEqual({ ...metadata });
      },
    ),
  );
});

test("reads what PyTorch's library wrote, and a view into a larger buffer", () => {
  const bytes = readFileSync(new URL("../reference/conv2d_basic.w.safetensors", import.meta.url));
  const { tensors } = parse(bytes);
  const weight = tensors.get("conv2d_1.weight")!;
  expect(weight.dtype).toBe("F32");
  expect(weight.data.length).toBe(weight.shape.reduce((a, b) => a * b, 1));
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect(parse(shifted.subarray(3)).tensors).toEqual(tensors);
});

test.each<[string, Uint8Array, string]>([
  ["an empty file", new Uint8Array(0), "not a safetensors file: 0 bytes, at least 8 expected"],
  ["another kind of file", new TextEncoder().encode("PK\x03\x04 some archive"), "not a safetensors file: its first 8"],
  ["a cut header", file({ a: 1 }, 0, 500), "truncated: the header ends at byte 508, the file at byte 15"],
  ["no JSON", file("{oops}"), "the header is not JSON"],
  ["no object", file([1]), "the header is not a JSON object"],
  ["no tensor", file({ a: 3 }), "a: not an object"],
  [
    "an unknown type",
    file({ a: { dtype: "F8", shape: [], data_offsets: [0, 1] } }, 1),
    'a: dtype "F8" is none of F64, F32',
  ],
  [
    "a bad shape",
    file({ a: { dtype: "F32", shape: [-1], data_offsets: [0, 4] } }, 4),
    "a: shape [-1] is not a list of sizes",
  ],
  ["bad offsets", file({ a: { dtype: "F32", shape: [1], data_offsets: [4, 0] } }, 4), "a: data_offsets [4,0] is not"],
  [
    "a shape that its bytes do not hold",
    file({ a: { dtype: "F32", shape: [2], data_offsets: [0, 4] } }, 4),
    "a: F32 [2] takes 8 bytes, but data_offsets [0, 4] hold 4",
  ],
  ["a gap", file({ a: { dtype: "F32", shape: [1], data_offsets: [4, 8] } }, 8), "a: its data begin at 4, 0 expected"],
  [
    "an overlap",
    file(
      { a: { dtype: "U8", shape: [2], data_offsets: [0, 2] }, b: { dtype: "U8", shape: [2], data_offsets: [1, 3] } },
      3,
    ),
    "b: its data begin at 1, 2 expected (a gap or an overlap)",
  ],
  ["missing data", file({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }, 3), "truncated: "],
  [
    "data too many",
    file({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }, 6),
    "2 bytes follow the last tensor",
  ],
  ["metadata that are no strings", file({ __metadata__: { step: 3 } }), "__metadata__.step is not a string"],
])("refuses %s", (_, bytes, message) => {
  expect(() => parse(bytes)).toThrow(`w.safetensors: `);
  expect(() => parse(bytes)).toThrow(message);
});

test("a file cut anywhere is an error, never wrong numbers", () => {
  const bytes = formatSafetensors([
    ["a", f32([2, 2], new Float32Array([1, 2, 3, 4]))],
    ["b", f32([], new Float32Array([5]))],
  ]);
  for (let length = 0; length < bytes.length; length++) expect(() => parse(bytes.subarray(0, length))).toThrow();
  expect(parse(bytes).tensors.get("b")!.data).toEqual(new Float32Array([5]));
});

test("conversions", () => {
  const of = (dtype: StoredTensor["dtype"], data: StoredTensor["data"]): StoredTensor => ({
    dtype,
    shape: [data.length],
    data,
  });
  expect([...toFloat32(of("BF16", new Uint16Array([0x3f80, 0xc000])), "x")]).toEqual([1, -2]);
  const halves = new Uint16Array([0x3c00, 0xc000, 0x3555, 0x0001, 0x7c00]);
  expect([...toFloat32(of("F16", halves), "x")]).toEqual([1, -2, 0.333251953125, 2 ** -24, Number.POSITIVE_INFINITY]);
  expect([...toFloat32(of("F64", new Float64Array([0.1])), "x")]).toEqual([Math.fround(0.1)]);
  expect(() => toFloat32(of("I32", new Int32Array([1])), "w: bias")).toThrow("w: bias is I32; F32 expected");
  expect([...toInt32(of("I64", new BigInt64Array([3n, -1n])), "labels")]).toEqual([3, -1]);
  expect(() => toInt32(of("I64", new BigInt64Array([2n ** 40n])), "labels")).toThrow("labels holds 1099511627776");
  expect(() => toInt32(of("F32", new Float32Array([1])), "labels")).toThrow("labels is F32; I32 expected");
});

test("a tensor whose values do not fill its shape is not written", () => {
  expect(() => formatSafetensors([["a", f32([3], new Float32Array(2))]])).toThrow("a: 2 values for the shape [3]");
});
