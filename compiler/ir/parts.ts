/** Values that are stored inside others: rows of them. */
import { bytesPerElement, elementCount, type Value } from "./types.ts";

/** WebGPU's minStorageBufferOffsetAlignment where nothing smaller was asked for: a part begins at a multiple. */
export const bindingAlignment = 256;

/** The value in whose memory a value is: its own, or the whole's of which it is a part. */
export const wholeOf = (value: Value): Value => value.part?.of ?? value;

/** Where a part begins in the memory of the whole, in bytes; 0 of a value that is no part. */
export const partOffset = ({ type: { shape }, part }: Value): number =>
  part ? part.from * elementCount(shape.slice(1)) * bytesPerElement : 0;

const firstRow = (value: Value): number => value.part?.from ?? 0;
const endRow = (value: Value): number => firstRow(value) + (value.type.shape[0] ?? 1);

/** Whether two values have rows of one memory in common. */
export const shareRows = (a: Value, b: Value): boolean =>
  wholeOf(a) === wholeOf(b) && firstRow(a) < endRow(b) && firstRow(b) < endRow(a);

/** Whether every row of a value is one of a value that is there. */
export function isCovered(value: Value, there: Iterable<Value>): boolean {
  let row = firstRow(value);
  for (const other of [...there].filter((v) => shareRows(v, value)).sort((a, b) => firstRow(a) - firstRow(b))) {
    if (firstRow(other) > row) return false;
    row = Math.max(row, endRow(other));
  }
  return row >= endRow(value);
}

/** The parts among values, each once, by the value whose they are, in the order of their rows. */
export function partsAmong(values: Iterable<Value>): Map<Value, Value[]> {
  const parts = new Map<Value, Value[]>();
  for (const value of new Set(values))
    if (value.part) parts.set(value.part.of, [...(parts.get(value.part.of) ?? []), value]);
  for (const list of parts.values()) list.sort((a, b) => firstRow(a) - firstRow(b));
  return parts;
}
