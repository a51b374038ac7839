/** The rules that every kernel keeps, whatever language it is printed in. */
import type { Target } from "../../runtime/program/schema.ts";
import type { Kernel } from "./kernel.ts";
import { type BoundsOptions, checkBounds } from "./kernelChecks/bounds.ts";
import { checkConstants } from "./kernelChecks/constants.ts";
import { checkDeclarations } from "./kernelChecks/declarations.ts";
import { checkLimits } from "./kernelChecks/limits.ts";
import { checkTypes } from "./kernelChecks/types.ts";
import { checkUniformity } from "./kernelChecks/uniformity.ts";
import type { Value } from "./types.ts";

export interface VerifyOptions extends BoundsOptions {
  /** The storage of a value, where several versions share one. Every value has its own where not said. */
  readonly storageOf?: (value: Value) => Value;
}

/**
 * What is wrong with a kernel for a target, a line each; none where nothing is.
 *
 * Names and types; declarations that agree with the body; register, component and lane indices constant once loops are
 * unrolled, and in range; no barrier or broadcast under lane-dependent control flow; no store outside; the target's
 * limits. An index that cannot be decided is reported under `strict` only.
 */
export function verifyKernel(kernel: Kernel, target: Target, options: VerifyOptions = {}): string[] {
  const { storageOf = (value: Value) => value } = options;
  const check = (): string[] => {
    const declared = [...checkLimits(kernel, target, storageOf), ...checkDeclarations(kernel, storageOf)];
    const types = checkTypes(kernel);
    // What follows looks names up and computes with their types.
    if (types.length > 0) return [...declared, ...types];
    return [...declared, ...checkConstants(kernel), ...checkUniformity(kernel), ...checkBounds(kernel, options)];
  };
  return [...new Set(check())].map((problem) => `kernel ${kernel.name}: ${problem}`);
}
