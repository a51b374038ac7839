/** The text form of a program, which `parse` reads back. docs/ir.md has its grammar. */
import type { ExprProgram } from "../ir/expr.ts";
import type { FusedProgram } from "../ir/fused.ts";
import type { Graph } from "../ir/graph.ts";
import { printExpr } from "./printExpr.ts";
import { printFused } from "./printFused.ts";
import { printGraph } from "./printGraph.ts";

/** A program of a stage that is text too. */
export type TextProgram = Graph | ExprProgram | FusedProgram;

/** The same text for the same program, in every run: it knows no identities, only names and order. */
export function print(program: TextProgram): string {
  switch (program.stage) {
    case "graph":
    case "joint":
      return printGraph(program);
    case "expr":
      return printExpr(program);
    case "fused":
      return printFused(program);
  }
}
