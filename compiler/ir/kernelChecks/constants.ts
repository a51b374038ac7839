/** What has to be constant once loops are unrolled is so, and in range: register, component and lane indices. */
import { printExpression, printStatementHead } from "../../text/printKernel.ts";
import type { Kernel, KernelExpr } from "../kernel.ts";
import { type Enclosing, expressionsOf, type Scope, visitExpression, walkKernel } from "../kernelTree.ts";
import { eachUnrolledValue, formatPoint, isConstantUnrolled } from "./integers.ts";

export function checkConstants(kernel: Kernel): string[] {
  const problems: string[] = [];
  walkKernel(kernel, (s, scope, path) => {
    const check = (e: KernelExpr, what: string, extent: number) => {
      const problem = checkIndex(e, scope, path, extent);
      if (problem) problems.push(`\`${printStatementHead(s)}\`: ${what} ${problem}`);
    };
    const registers = (name: string, index: readonly KernelExpr[]) => {
      const found = scope.find(name);
      if (found?.kind !== "registers" || found.statement.indexed) return;
      for (const [d, extent] of found.statement.shape.entries())
        check(index[d], `index ${printExpression(index[d])} of register ${name}`, extent);
    };
    if (s.kind === "registers" && s.indexed && (s.shape.length !== 1 || s.initial !== 0))
      problems.push(`\`${printStatementHead(s)}\`: an indexed array has one dimension and starts at 0`);
    if (s.kind === "assign") registers(s.register, s.index);
    if (s.kind === "for" && s.unroll)
      for (const bound of [s.from, s.to])
        if (!isConstantUnrolled(bound, scope))
          problems.push(
            `\`${printStatementHead(s)}\`: the bound ${printExpression(bound)} of an unrolled loop is not constant`,
          );
    for (const e of expressionsOf(s))
      visitExpression(e, (x) => {
        if (x.kind === "register") registers(x.name, x.index);
        if (x.kind === "component") check(x.index, `component ${printExpression(x.index)}`, 4);
        if (x.kind === "broadcast" && kernel.subgroupSize !== undefined)
          check(x.lane, `broadcast from lane ${printExpression(x.lane)}`, kernel.subgroupSize);
      });
  });
  return problems;
}

/** What is wrong with a constant index below `extent`. */
function checkIndex(e: KernelExpr, scope: Scope, path: readonly Enclosing[], extent: number): string | undefined {
  if (!isConstantUnrolled(e, scope)) return "is not constant once loops are unrolled";
  let problem: string | undefined;
  eachUnrolledValue(e, scope, path, (value, at) => {
    if (value !== undefined && value >= 0 && value < extent) return true;
    const where = at.size === 0 ? "" : ` where ${formatPoint(at)}`;
    problem = value === undefined ? "cannot be computed" : `is ${value}${where}, it must be in 0..${extent - 1}`;
    return false;
  });
  return problem;
}
