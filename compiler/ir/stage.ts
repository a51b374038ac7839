/** A program at one of the stages: what passes take and give, and what text says. */
import type { ExprProgram, LaidOutProgram } from "./expr.ts";
import type { FusedProgram } from "./fused.ts";
import type { Graph } from "./graph.ts";
import type { KernelProgram, PlannedProgram } from "./kernelProgram.ts";

export type StageProgram = Graph | ExprProgram | LaidOutProgram | FusedProgram | KernelProgram | PlannedProgram;

/** The stages as their texts begin. */
export const stages = ["graph", "joint", "expr", "expr laid out", "fused", "kernels", "plan"] as const;

export type Stage = (typeof stages)[number];

export const stageOf = (program: StageProgram): Stage =>
  program.stage === "expr" && "layouts" in program ? "expr laid out" : program.stage;
