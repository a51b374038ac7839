import type { Value } from "../ir/types.ts";

/** A plan that the target can't hold. */
export class PlanError extends Error {
  override readonly name = "PlanError";

  /**
   * @param value the tensor that is too large, the largest where several are
   * @param largestBatch the largest batch whose tensors all fit; null where a smaller batch does not help
   */
  constructor(
    readonly code: "KILN3001",
    message: string,
    readonly value: Value,
    readonly largestBatch: number | null,
  ) {
    super(message);
  }
}
