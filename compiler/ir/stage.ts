/** A program at one of the stages: what passes take and give, and what text says. */
import type { ExprProgram, LaidOutProgram } from "./expr.ts";
import type { FusedProgram } from "./fused.ts";
import type { Graph } from "./graph.ts";
import type { KernelProgram, PlannedProgram } from "./kernelProgram.ts";

export type StageProgram = Graph | ExprProgram | LaidOutProgram | FusedProgram | KernelProgram | PlannedProgram;
