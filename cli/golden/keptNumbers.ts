/** numbers.safetensors: of each tensor all values, or of a large one a sample and its norm. */
import { elementCount } from "../../runtime/program/layout.ts";
import { uniform } from "../../runtime/program/random.ts";
import {
  f32,
  formatSafetensors,
  parseSafetensors,
  type StoredTensor,
  toFloat32,
} from "../../runtime/program/safetensors.ts";
import type { Manifest, TensorRecord, Tolerance } from "./manifest.ts";
import type { Numbers, NumberTensor } from "./numbers.ts";
import { largestOf } from "./tolerances.ts";

/** The most values that are kept of a tensor. */
const mostKept = 1024;
/** Stream of counters, as program/random.ts lists them. */
const sampleStream = 0xfffffff3;

/** A tensor that is not what it was. */
export interface NumberDifference {
  readonly tensor: string;
  /** What the figures are of: an element's place, "norm", or null where the tensor itself is new or gone. */
  readonly at: string | null;
  readonly got: number | string;
  readonly expected: number | string;
  readonly tolerance: number;
  /** Kept values beyond the tolerance, and how many are kept. */
  readonly beyond: readonly [number, number];
}

export interface KeptNumbers {
  readonly file: Uint8Array;
  readonly tensors: Manifest["tensors"];
}

/** What is kept of numbers; `relative` are tolerances of tensors of their own. */
export function keepNumbers(numbers: Numbers, relative: ReadonlyMap<string, number>): KeptNumbers {
  const stored: [string, StoredTensor][] = [];
  const tensors: Record<string, TensorRecord> = {};
  for (const [name, tensor] of numbers) {
    const { shape, values } = tensor;
    const places = samplePlaces(values.length);
    stored.push([
      name,
      places
        ? f32(
            [places.length],
            Float32Array.from(places, (i) => values[i]),
          )
        : f32(shape, values),
    ]);
    tensors[name] = {
      shape,
      largest: rounded(largestOf(values)),
      ...(places && { norm: rounded(normOf(values)) }),
      ...(relative.has(name) && { relative: relative.get(name) }),
    };
  }
  return { file: formatSafetensors(stored), tensors };
}

/** Places of the values that are kept of so many, one of each of `mostKept` equal stretches; null where all are. */
function samplePlaces(count: number): number[] | null {
  if (count <= mostKept) return null;
  return Array.from({ length: mostKept }, (_, i) =>
    Math.floor(((i + uniform(0, 0, i, sampleStream)) * count) / mostKept),
  );
}

const normOf = (values: Float32Array): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));

/** To what float32 tells apart, for people who read golden.json. */
const rounded = (x: number): number => Number(x.toPrecision(8));

/** Tensors of `numbers` that are not within tolerance of those in the file. Throws KilnError where it is damaged. */
export function compareNumbers(
  bytes: Uint8Array,
  path: string,
  { tensors, tolerance }: Pick<Manifest, "tensors" | "tolerance">,
  numbers: Numbers,
): NumberDifference[] {
  const kept = parseSafetensors(bytes, path).tensors;
  const names = new Set([...Object.keys(tensors), ...kept.keys(), ...numbers.keys()]);
  return [...names].flatMap((name) => {
    const record = tensors[name];
    const stored = kept.get(name);
    const tensor = numbers.get(name);
    const expected = record && stored ? shapeText(record.shape) : "none";
    const got = tensor ? shapeText(tensor.shape) : "none";
    if (got !== expected || !record || !stored || !tensor)
      return [{ tensor: name, at: null, got, expected, tolerance: 0, beyond: [0, 0] }];
    return compareTensor(name, tensor, toFloat32(stored, `${path}: ${name}`), record, tolerance) ?? [];
  });
}

function compareTensor(
  name: string,
  { shape, values }: NumberTensor,
  expected: Float32Array,
  record: TensorRecord,
  { relative, absolute }: Tolerance,
): NumberDifference | null {
  const share = record.relative ?? relative;
  const tolerance = share * record.largest + absolute;
  const places = samplePlaces(values.length);
  const count = places?.length ?? values.length;
  if (expected.length !== count)
    return {
      tensor: name,
      at: null,
      got: `${count} values`,
      expected: `${expected.length} values`,
      tolerance,
      beyond: [0, 0],
    };
  let [beyond, worst, most] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    const difference = apart(values[places?.[i] ?? i], expected[i]);
    if (difference > tolerance) beyond++;
    if (difference > most) [worst, most] = [i, difference];
  }
  const place = places?.[worst] ?? worst;
  if (beyond > 0)
    return {
      tensor: name,
      at: placeText(place, shape),
      got: values[place],
      expected: expected[worst],
      tolerance,
      beyond: [beyond, count],
    };
  if (record.norm === undefined) return null;
  const norm = normOf(values);
  // Errors of elements that have nothing to do with each other: a norm moves less than its share.
  const normTolerance = share * record.norm + absolute * Math.sqrt(elementCount(shape));
  if (apart(norm, record.norm) <= normTolerance) return null;
  return { tensor: name, at: "norm", got: norm, expected: record.norm, tolerance: normTolerance, beyond: [0, count] };
}

/** The difference of two numbers; what is not a number is infinitely far from one that is. */
const apart = (a: number, b: number): number => {
  if (Object.is(a, b)) return 0;
  const difference = Math.abs(a - b);
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
};

const shapeText = (shape: readonly number[]): string => `[${shape.join(", ")}]`;

/** The indices of an element, row-major. */
function placeText(place: number, shape: readonly number[]): string {
  const indices: number[] = [];
  for (const extent of [...shape].reverse()) {
    indices.unshift(place % extent);
    place = Math.floor(place / extent);
  }
  return shapeText(indices);
}
