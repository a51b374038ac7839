/**
 * The safetensors format: 8 bytes header length (u64, little endian), a JSON header
 * `{"name": {"dtype", "shape", "data_offsets"}, "__metadata__": {string: string}}`, then the tensors' bytes without gaps.
 * https://huggingface.co/docs/safetensors
 */
import { formatBytes, KilnError } from "./error.ts";
import { elementCount } from "./layout.ts";

const arrays = {
  F64: Float64Array,
  F32: Float32Array,
  /** Halves stay bits: see `toFloat32`. */
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

export type DType = keyof typeof arrays;
export type TensorData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A tensor as a file holds it: row-major. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export interface Safetensors {
  readonly tensors: Map<string, StoredTensor>;
  readonly metadata: Map<string, string>;
}

/** The format's own bound on the header. */
const maxHeaderBytes = 100_000_000;

/** Reads a whole file. Every array is a copy of its bytes. Throws KilnError that begins with `file`, the name to show. */
export function parseSafetensors(bytes: Uint8Array, file: string): Safetensors {
  const fail = (message: string): never => {
    throw new KilnError("file", `${file}: ${message}`);
  };
  if (bytes.length < 8) fail(`not a safetensors file: ${bytes.length} bytes, at least 8 expected`);
  const headerBytes = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  if (headerBytes > maxHeaderBytes || headerBytes < 2)
    fail("not a safetensors file: its first 8 bytes do not give a header's length");
  const start = 8 + headerBytes;
  if (start > bytes.length) fail(`truncated: the header ends at byte ${start}, the file at byte ${bytes.length}`);

  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (cause) {
    throw new KilnError("file", `${file}: not a safetensors file: the header is not JSON`, { cause });
  }
  if (!isRecord(header)) return fail("the header is not a JSON object");

  const metadata = new Map<string, string>();
  const entries: { name: string; dtype: DType; shape: number[]; begin: number; end: number }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") {
      if (!isRecord(entry)) return fail("__metadata__ is not an object");
      for (const [key, value] of Object.entries(entry)) {
        if (typeof value !== "string") return fail(`__metadata__.${key} is not a string`);
        metadata.set(key, value);
      }
      continue;
    }
    if (!isRecord(entry)) return fail(`${name}: not an object`);
    const { dtype, shape, data_offsets: offsets } = entry;
    if (typeof dtype !== "string" || !(dtype in arrays))
      return fail(`${name}: dtype ${JSON.stringify(dtype)} is none of ${Object.keys(arrays).join(", ")}`);
    if (!isSizes(shape)) return fail(`${name}: shape ${JSON.stringify(shape)} is not a list of sizes`);
    if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1])
      return fail(`${name}: data_offsets ${JSON.stringify(offsets)} is not [begin, end]`);
    const [begin, end] = offsets;
    const wanted = elementCount(shape) * arrays[dtype as DType].BYTES_PER_ELEMENT;
    if (end - begin !== wanted)
      fail(
        `${name}: ${dtype} [${shape}] takes ${wanted} bytes, but data_offsets [${begin}, ${end}] hold ${end - begin}`,
      );
    entries.push({ name, dtype: dtype as DType, shape, begin, end });
  }

  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.begin !== end)
      fail(`${entry.name}: its data begin at ${entry.begin}, ${end} expected (a gap or an overlap)`);
    end = entry.end;
  }
  if (start + end > bytes.length)
    fail(`truncated: ${formatBytes(bytes.length)} of ${formatBytes(start + end)} are there; copy or write it again`);
  if (start + end < bytes.length) fail(`${bytes.length - start - end} bytes follow the last tensor`);

  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    // Aligned, and the file's memory can go. Not slice(): of a Node Buffer that is a view.
    const copy = new Uint8Array(bytes.subarray(start + begin, start + end));
    tensors.set(name, { dtype, shape, data: new arrays[dtype](copy.buffer, 0, elementCount(shape)) });
  }
  return { tensors, metadata };
}

/** The file in pieces, to be written one after another: a tensor's piece is a view of its data. */
export function safetensorsParts(
  tensors: Iterable<readonly [string, StoredTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    if (data.length !== elementCount(shape))
      throw new KilnError("usage", `${name}: ${data.length} values for the shape [${shape}]`);
    header.push([name, { dtype, shape, data_offsets: [offset, offset + data.byteLength] }]);
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset += data.byteLength;
  }
  let text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
  padded.set(text);
  text = padded;
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  return [length, text, ...parts];
}

/** The file in one piece. */
export function formatSafetensors(
  tensors: Iterable<readonly [string, StoredTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const parts = safetensorsParts(tensors, metadata);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** An f32 tensor, from row-major values. */
export const f32 = (shape: readonly number[], data: Float32Array): StoredTensor => ({ dtype: "F32", shape, data });

/** A tensor's values as f32; those of other float types are converted. Throws KilnError where they are integers. */
export function toFloat32(tensor: StoredTensor, what: string): Float32Array {
  const { dtype, data } = tensor;
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  if (dtype === "BF16") return new Float32Array(Uint32Array.from(data as Uint16Array, (bits) => bits << 16).buffer);
  if (dtype === "F16") return Float32Array.from(data as Uint16Array, halfToNumber);
  throw new KilnError("file", `${what} is ${dtype}; F32 expected`);
}

/** A tensor's values as i32, from any integer type. Throws KilnError where they are floats or do not fit. */
export function toInt32(tensor: StoredTensor, what: string): Int32Array {
  const { dtype, data } = tensor;
  if (data instanceof Int32Array) return data;
  if (/^(F|BF)/.test(dtype)) throw new KilnError("file", `${what} is ${dtype}; I32 expected`);
  return Int32Array.from(data as ArrayLike<number | bigint>, (value) => {
    const number = Number(value);
    if (number !== (number | 0)) throw new KilnError("file", `${what} holds ${value}, which is not an i32`);
    return number;
  });
}

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
