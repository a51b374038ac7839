/** Which statements can run invocation by invocation, and which have to keep the workgroup in step. */
import type { KernelExpr, Statement } from "../ir/kernel.ts";
import { bodiesOf, expressionsOf, visitBody, visitExpression } from "../ir/kernelTree.ts";

export interface Footprint {
  readonly barrier: boolean;
  readonly broadcast: boolean;
  /** Names that other lanes may read: workgroup arrays, and what stands in broadcasts. */
  readonly shown: ReadonlySet<string>;
  /** Names declared or written. */
  readonly written: ReadonlySet<string>;
}

const known = new WeakMap<Statement, Footprint>();

/** What a statement, with all inside it, does beyond its own lane. */
export function footprint(s: Statement): Footprint {
  const seen = known.get(s);
  if (seen) return seen;
  let barrier = false;
  let broadcast = false;
  const shown = new Set<string>();
  const written = new Set<string>();
  visitBody(
    [s],
    (x) => {
      if (x.kind === "barrier") barrier = true;
      if (x.kind === "let" || x.kind === "registers") written.add(x.name);
      if (x.kind === "assign") written.add(x.register);
      if (x.kind === "store") written.add(x.buffer);
      if (x.kind === "sharedStore") written.add(x.array);
    },
    (e) => {
      // So that a race is met as one: all stores of a statement come before the next statement's loads.
      if (e.kind === "sharedLoad") shown.add(e.array);
      if (e.kind !== "broadcast") return;
      broadcast = true;
      visitExpression(e.value, (y) => {
        if (y.kind === "variable" || y.kind === "register") shown.add(y.name);
        if (y.kind === "load") shown.add(y.buffer);
      });
    },
  );
  const result = { barrier, broadcast, shown, written };
  known.set(s, result);
  return result;
}

const intersects = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => {
  for (const x of a) if (b.has(x)) return true;
  return false;
};

/** Whether lanes running `a` and then `b` one after another could see each other's values too early or too late. */
export const inOrder = (a: Footprint, b: Footprint): boolean =>
  intersects(a.written, b.shown) || intersects(a.shown, b.written);

/** Whether all of a statement may run for one lane before it runs for the next. */
export function runsByLane(s: Statement, isLoopVariable: (name: string) => boolean): boolean {
  const f = footprint(s);
  if (f.barrier) return false;
  if (!f.broadcast) return true;
  // Control flow around a broadcast is checked to be uniform, which takes all lanes at once.
  if (s.kind === "if" || inOrder(f, f)) return false;
  const inner = (name: string) => isLoopVariable(name) || (s.kind === "for" && s.variable === name);
  if (s.kind === "for" && !expressionsOf(s).every((e) => isUniformBound(e, isLoopVariable))) return false;
  return bodiesOf(s).every((body) => body.every((x) => runsByLane(x, inner)));
}

/** Whether an expression is the same for all invocations whatever memory holds, by its form alone. */
export function isUniformBound(e: KernelExpr, isLoopVariable: (name: string) => boolean): boolean {
  let uniform = true;
  visitExpression(e, (x) => {
    if (x.kind === "variable") uniform &&= isLoopVariable(x.name);
    else if (x.kind === "builtin") uniform &&= x.name.startsWith("workgroup.");
    else uniform &&= ["constant", "uniform", "unary", "binary"].includes(x.kind);
  });
  return uniform;
}
