import type { Value } from "../ir/types.ts";

/** KILN3001: a tensor is too large for the target. KILN3002: no plan was found within the limit on memory. */
type PlanErrorCode = "KILN3001" | "KILN3002";

/** A plan that the target, or the limit that was asked for, can't hold. */
export class PlanError extends Error {
  override readonly name = "PlanError";

  /**
   * @param value the tensor that is too large, the largest where several are; of a limit, the largest of the kernel that needs
   * the most at once
   * @param largestBatch the largest batch whose tensors all fit; null where a smaller batch does not help, and for a limit
   * @param smallestLimit bytes of the smallest limit that a plan was found for; null for KILN3001
   */
  constructor(
    readonly code: PlanErrorCode,
    message: string,
    readonly value: Value,
    readonly largestBatch: number | null,
    readonly smallestLimit: number | null = null,
  ) {
    super(message);
  }
}
