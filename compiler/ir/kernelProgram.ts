/** The `kernels` stage: groups scheduled for a target, each a kernel, with what surrounds them. */
import type { FusedProgram } from "./fused.ts";
import type { Kernel } from "./kernel.ts";
import type { Plan } from "./plan.ts";

/** The names of its kernels are unique. */
export interface KernelProgram extends Omit<FusedProgram, "stage" | "groups"> {
  readonly stage: "kernels";
  /** Name of the target that the kernels are scheduled for. */
  readonly target: string;
  /** Each after the kernels whose results it reads, and before those that replace a state that it reads. */
  readonly kernels: readonly Kernel[];
}

/** The `plan` stage: the same kernels, every value at an offset. */
export interface PlannedProgram extends Omit<KernelProgram, "stage"> {
  readonly stage: "plan";
  readonly plan: Plan;
}
