/** The text form of a program, which `parse` reads back. docs/ir.md has its grammar. */
import type { StageProgram } from "../ir/stage.ts";
import { printExpr } from "./printExpr.ts";
import { printFused } from "./printFused.ts";
import { printGraph } from "./printGraph.ts";
import { printKernelProgram } from "./printKernel.ts";
import { printPlanned } from "./printPlan.ts";

/** The same text for the same program, in every run: it knows no identities, only names and order. */
export function print(program: StageProgram): string {
  switch (program.stage) {
    case "graph":
    case "joint":
      return printGraph(program);
    case "expr":
      return printExpr(program);
    case "fused":
      return printFused(program);
    case "kernels":
      return printKernelProgram(program);
    case "plan":
      return printPlanned(program);
  }
}
