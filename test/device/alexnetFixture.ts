/** The full-size AlexNet of test/reference: tensors from its hash, and what PyTorch makes of them. */
import { join } from "node:path";
import { expect } from "vitest";
import { elementCount } from "../../compiler/ir/types.ts";
import { f32, type StoredTensor } from "../../runtime/program/safetensors.ts";
import type { ProgramState } from "../../runtime/program/schema.ts";
import { readJson, relativeError } from "../ops/support.ts";
import { folder } from "./referenceCases.ts";

interface ExpectedGradient {
  readonly shape: readonly number[];
  readonly l2: number;
  readonly sum: number;
  readonly sumAbs: number;
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

interface Fixture {
  readonly batch: number;
  readonly labels: readonly number[];
  readonly lr: number;
  readonly steps: number;
  readonly checksums: Readonly<Record<string, readonly [xor: number, sum: number]>>;
  readonly output: readonly (readonly number[])[];
  readonly loss: number;
  readonly losses: readonly number[];
  readonly gradients: Readonly<Record<string, ExpectedGradient>>;
  readonly tolerance: {
    readonly output: number;
    readonly loss: number;
    readonly losses: number;
    readonly gradients: number;
  };
}

export const model = join(folder, "alexnet.ts");
export const fixture: Fixture = readJson(join(folder, "alexnet.expect.json"));

/** lowbias32, as test/reference/README.md has it. */
const mix = (x: number): number => {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
};

/** Tensor number t: values in 0..1, or where a scale is given in -scale..scale. */
function tensor(t: number, shape: readonly number[], scale?: number): Float32Array {
  const data = new Float32Array(elementCount(shape));
  const salt = mix(t + 1);
  for (let i = 0; i < data.length; i++) {
    const r = (mix(mix(i) ^ salt) >>> 8) / 2 ** 24;
    data[i] = scale === undefined ? r : (r - 0.5) * 2 * scale;
  }
  return data;
}

/** xor and sum modulo 2^32 of the bits: whether the tensor is the one that PyTorch had. */
function expectChecksum(name: string, data: Float32Array): Float32Array {
  let [xor, sum] = [0, 0];
  for (const bits of new Uint32Array(data.buffer)) {
    xor ^= bits;
    sum = (sum + bits) | 0;
  }
  expect([xor >>> 0, sum >>> 0], `checksum of ${name}`).toEqual(fixture.checksums[name]);
  return data;
}

export const input = (): Float32Array => expectChecksum("input", tensor(1372, [fixture.batch, 3, 224, 224]));

/** The parameters of the program, in the order in which they are numbered. */
export function parameters(states: readonly ProgramState[]): Map<string, StoredTensor> {
  const parameters = states.filter((s) => s.role === "parameter");
  return new Map(
    parameters.map(({ name, shape }, i) => {
      const scale = shape.length === 1 ? 0.1 : Math.sqrt(6 / elementCount(shape.slice(1)));
      return [name, f32(shape, expectChecksum(name, tensor(i + 1, shape, scale)))];
    }),
  );
}

/** Length, sum and a sample of the elements are PyTorch's. */
export function expectGradient(name: string, actual: Float32Array, tolerance: number): void {
  const { shape, l2, sum, sumAbs, indices, values } = fixture.gradients[name];
  expect(actual.length, name).toBe(elementCount(shape));
  let [squares, total] = [0, 0];
  for (const x of actual) {
    squares += x * x;
    total += x;
  }
  expect(Math.abs(Math.sqrt(squares) - l2) / l2, `length of ${name}`).toBeLessThanOrEqual(tolerance);
  expect(Math.abs(total - sum) / sumAbs, `sum of ${name}`).toBeLessThanOrEqual(tolerance);
  const sample = indices.map((i) => actual[i]);
  expect(relativeError(sample, values), `elements of ${name}`).toBeLessThanOrEqual(tolerance);
}
