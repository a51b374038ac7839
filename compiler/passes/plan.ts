/** plan: every value at an offset of the arena, or in its state's storage. */
import type { Plan } from "../ir/plan.ts";
import { planMemory } from "../plan/plan.ts";
import type { PlanProblem } from "../plan/problem.ts";
import { orderKernels } from "./order.ts";

export interface PlannedProgram {
  /** Its kernels in the plan's order. */
  readonly problem: PlanProblem;
  readonly plan: Plan;
}

/** Orders the kernels, then plans their memory. Throws PlanError where the target can't hold a tensor. */
export function orderAndPlan(problem: PlanProblem): PlannedProgram {
  const ordered = { ...problem, kernels: orderKernels(problem) };
  return { problem: ordered, plan: planMemory(ordered) };
}
