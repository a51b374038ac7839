/** order and plan: every kernel at its place in time, every value at an offset of the arena, or in its state's storage. */
import type { Plan } from "../ir/plan.ts";
import { planMemory } from "../plan/plan.ts";
import type { PlanProblem } from "../plan/problem.ts";
import { orderKernels } from "./order.ts";

export interface PlannedProgram {
  /** Its kernels in the plan's order. */
  readonly problem: PlanProblem;
  readonly plan: Plan;
}

export const orderProblem = (problem: PlanProblem): PlanProblem => ({ ...problem, kernels: orderKernels(problem) });

/** Throws PlanError where the target can't hold a tensor. */
export const planProblem = (problem: PlanProblem): PlannedProgram => ({ problem, plan: planMemory(problem) });
