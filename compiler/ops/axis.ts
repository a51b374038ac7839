/** Options that name an axis, shared by the ops that have one. */

import type { TensorType } from "../ir/types.ts";
import { formatType } from "../ir/types.ts";
import { OpError } from "./define.ts";

/** Throws OpError KILN2006 where the tensor has no such axis. */
export const checkAxis = (op: string, x: TensorType, axis: number): void => {
  const rank = x.shape.length;
  if (axis >= rank)
    throw new OpError(
      "KILN2006",
      `${op}: axis ${axis} is none of the ${rank} axes of ${formatType(x)}`,
      `use an axis from 0 (the batch) to ${rank - 1}`,
    );
};

/** A list with the entry at `axis` replaced, or, where nothing is given, left out. */
export const withAxis = <T>(entries: readonly T[], axis: number, ...entry: T[]): T[] => [
  ...entries.slice(0, axis),
  ...entry,
  ...entries.slice(axis + 1),
];
