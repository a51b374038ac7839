/**
 * Barriers and broadcasts are reached by all invocations of a workgroup or by none.
 *
 * A value is uniform where it comes from constants, uniforms, workgroup ids and loops with uniform bounds. What is
 * loaded from memory counts as lane-dependent even at a uniform index: WGSL sees it so wherever a buffer is bound
 * read_write, and buffers may be (compare WGSL's uniformity analysis, section 15.2).
 */
import { printExpression, printStatementHead } from "../../text/printKernel.ts";
import type { Kernel, KernelExpr, Statement } from "../kernel.ts";
import { type Enclosing, expressionsOf, operandsOf, type Scope, visitExpression, walkKernel } from "../kernelTree.ts";

export function checkUniformity(kernel: Kernel): string[] {
  const varying = varyingDeclarations(kernel);
  const problems: string[] = [];
  walkKernel(kernel, (s, scope, path) => {
    const around = divergence(path, scope, varying);
    const report = (what: string, why: string) => problems.push(`${what} under lane-dependent control flow: ${why}`);
    if (s.kind === "barrier" && around) report("barrier", around);
    for (const e of expressionsOf(s)) {
      const broadcast = (x: KernelExpr) => x.kind === "broadcast";
      if (around && contains(e, broadcast)) report(`broadcast in \`${printStatementHead(s)}\``, around);
      // The second operand of `and` and `or` need not be evaluated.
      visitExpression(e, (x) => {
        if (x.kind !== "binary" || (x.op !== "and" && x.op !== "or")) return;
        if (contains(x.b, broadcast) && isVarying(x.a, scope, varying))
          report(`broadcast in \`${printStatementHead(s)}\``, `behind ${printExpression(x.a)}`);
      });
    }
  });
  return problems;
}

function contains(e: KernelExpr, test: (e: KernelExpr) => boolean): boolean {
  let found = false;
  visitExpression(e, (x) => {
    found ||= test(x);
  });
  return found;
}

/** Declarations (lets, registers, loops) whose value may differ between the invocations of a workgroup. */
function varyingDeclarations(kernel: Kernel): ReadonlySet<Statement> {
  const varying = new Set<Statement>();
  for (let before = -1; before !== varying.size; ) {
    before = varying.size;
    walkKernel(kernel, (s, scope, path) => {
      if (s.kind === "let" && isVarying(s.value, scope, varying)) varying.add(s);
      if (s.kind === "for" && [s.from, s.to].some((e) => isVarying(e, scope, varying))) varying.add(s);
      if (s.kind !== "assign") return;
      const register = scope.find(s.register);
      if (register && (isVarying(s.value, scope, varying) || divergence(path, scope, varying)))
        varying.add(register.statement);
    });
  }
  return varying;
}

function isVarying(e: KernelExpr, scope: Scope, varying: ReadonlySet<Statement>): boolean {
  switch (e.kind) {
    case "load":
    case "sharedLoad":
      return true;
    // Uniform in its subgroup only.
    case "broadcast":
      return true;
    case "builtin":
      return e.name === "local" || e.name === "subgroupLane";
    case "variable":
    case "register": {
      const found = scope.find(e.name);
      return !found || varying.has(found.statement) || operandsOf(e).some((x) => isVarying(x, scope, varying));
    }
    default:
      return operandsOf(e).some((x) => isVarying(x, scope, varying));
  }
}

/** The innermost control flow around a statement that not all invocations take alike, as text. */
function divergence(path: readonly Enclosing[], scope: Scope, varying: ReadonlySet<Statement>): string | undefined {
  for (const { statement } of path.toReversed())
    if (expressionsOf(statement).some((e) => isVarying(e, scope, varying)))
      return `\`${printStatementHead(statement).replace(/ \{$/, "")}\``;
  return undefined;
}
