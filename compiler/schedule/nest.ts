/**
 * Builds a kernel's loop nest from the outside in. Indices are emitted with their loop-invariant parts hoisted to the
 * scope where they become known, since not every driver's compiler does that.
 */
import type { Target } from "../../runtime/program/schema.ts";
import type { Atom, Axis, Index, Term } from "../ir/index.ts";
import type { KernelExpr, Statement } from "../ir/kernel.ts";
import * as K from "../ir/kernelExpr.ts";
import type { Condition, Scalar } from "../ir/scalar.ts";

interface Scope {
  readonly statements: Statement[];
  /** Let names by what they hold, so that nothing is computed twice in one scope. */
  readonly known: Map<string, KernelExpr>;
  /** Lets here are repeated in the target's text; keep invariants out. */
  readonly unrolled: boolean;
}

interface LoopOptions {
  readonly step?: number;
  readonly unroll?: boolean;
  /** Exclusive end, where it is not the axis's extent. */
  readonly to?: number;
  readonly from?: number;
}

/** Mesa's compilers unroll loops of so many turns whatever is in them, and take seconds over the result. */
const driverUnrolls = 32;

/** Whether kernels for this target may meet such a compiler: on lavapipe they do, and portable ones run anywhere. */
export const mayBeMesa = (target: Target): boolean => target.class === "lavapipe" || target.class === "portable";

export class Nest {
  private readonly scopes: Scope[] = [{ statements: [], known: new Map(), unrolled: false }];
  /** Each bound axis: its value, and the depth of the scope that binds it. */
  private readonly bound = new Map<Axis, { expr: KernelExpr; depth: number }>();
  private readonly counts = new Map<string, number>();

  /** Short serial loops get an end that a driver's compiler cannot see through, so that it leaves them. */
  private readonly hideTurns: boolean;
  /** Loads under a guard that does not hold read the first element instead of going outside, which nothing catches. */
  readonly boundsLoads: boolean;

  /** `names` are those that the kernel's buffers have; what is named here joins them. */
  constructor(
    target: Target,
    private readonly names: Set<string>,
  ) {
    this.hideTurns = mayBeMesa(target);
    this.boundsLoads = target.class === "wasm";
  }

  /** Emits scalars that stand inside data-dependent indices. */
  emitData: (s: Scalar) => KernelExpr = () => {
    throw new Error("no data-dependent index expected here");
  };

  get statements(): readonly Statement[] {
    return this.scopes[0].statements;
  }

  private get depth(): number {
    return this.scopes.length - 1;
  }

  /** A name not used before in this kernel. */
  fresh(hint: string): string {
    for (;;) {
      const count = this.counts.get(hint) ?? 0;
      this.counts.set(hint, count + 1);
      const name = count === 0 ? hint : `${hint}_${count}`;
      if (this.names.has(name)) continue;
      this.names.add(name);
      return name;
    }
  }

  push(statement: Statement): void {
    this.scopes[this.depth].statements.push(statement);
  }

  /** Names a value in the present scope. */
  let(hint: string, value: KernelExpr): KernelExpr {
    if (value.kind === "variable" || value.kind === "constant") return value;
    const name = this.fresh(hint);
    this.push({ kind: "let", name, value });
    return K.variable(name, value.dtype, value.width);
  }

  bind(axis: Axis, expr: KernelExpr): void {
    this.bound.set(axis, { expr, depth: this.depth });
  }

  /** for axis in from..to: body */
  loop(axis: Axis, options: LoopOptions, body: () => void): void {
    const { step = 1, unroll = false, from = 0, to = axis.extent } = options;
    if (from >= to) return;
    const name = this.fresh(axis.name);
    this.scopes.push({ statements: [], known: new Map(), unrolled: unroll });
    this.bind(axis, K.variable(name));
    body();
    this.bound.delete(axis);
    const { statements } = this.scopes.pop()!;
    const hidden = this.hideTurns && !unroll && (to - from) / step <= driverUnrolls;
    // No grid uses the third dimension: its number is 0, which no compiler knows.
    const end = hidden ? K.add(K.builtin("workgroup.z"), K.int(to)) : K.int(to);
    this.push({ kind: "for", variable: name, from: K.int(from), to: end, step, unroll, body: statements });
  }

  if(condition: KernelExpr, then: () => void): void {
    this.scopes.push({ statements: [], known: new Map(), unrolled: false });
    then();
    const { statements } = this.scopes.pop()!;
    this.push({ kind: "if", condition, then: statements });
  }

  /** An index as an expression; parts that do not change in the inner scopes are named outside them. */
  index(index: Index): KernelExpr {
    const byDepth: Term[][] = this.scopes.map(() => []);
    for (const term of index.terms) byDepth[this.depthOf(term.atom)].push(term);
    let sum: KernelExpr = K.int(0);
    let key = "";
    for (let d = 0; d <= this.depth; d++) {
      const terms = byDepth[d];
      if (terms.length === 0) continue;
      key += `|${terms.map((t) => `${t.coefficient}*${t.key}`).join("+")}`;
      const scope = this.scopes[d];
      const known = scope.known.get(key);
      if (known) {
        sum = known;
        continue;
      }
      for (const t of terms) sum = K.add(sum, K.multiply(this.atom(t.atom), t.coefficient));
      // What only a deeper scope needs, and what costs more than a variable, gets a name where it is known.
      if (!scope.unrolled && (d < this.depth || d === 0) && sum.kind !== "constant" && sum.kind !== "variable") {
        const name = this.fresh("i");
        scope.statements.push({ kind: "let", name, value: sum });
        sum = K.variable(name);
        scope.known.set(key, sum);
      }
    }
    return K.add(sum, K.int(index.constant));
  }

  private depthOf(atom: Atom): number {
    if (atom.kind === "axis") {
      const b = this.bound.get(atom.axis);
      if (!b) throw new Error(`axis ${atom.axis.name} is not bound here`);
      return b.depth;
    }
    if (atom.kind === "data") return this.depth;
    return Math.max(0, ...atom.of.terms.map((t) => this.depthOf(t.atom)));
  }

  private atom(atom: Atom): KernelExpr {
    switch (atom.kind) {
      case "axis":
        return this.bound.get(atom.axis)!.expr;
      case "floorDiv":
      case "mod": {
        // Kernel division truncates: shift into the non-negative numbers first.
        const { low } = atom.of.interval();
        const turns = low < 0 ? Math.ceil(-low / atom.by) : 0;
        const shifted = K.add(this.plain(atom.of), K.int(turns * atom.by));
        if (atom.kind === "mod") return K.remainder(shifted, atom.by);
        return K.add(K.divide(shifted, atom.by), K.int(-turns));
      }
      case "clamp": {
        const low = K.binary("max", this.plain(atom.of), K.int(atom.low), "i32");
        return K.binary("min", low, K.int(atom.high), "i32");
      }
      case "data": {
        const low = K.binary("max", this.emitData(atom.scalar), K.int(atom.low), "i32");
        return K.binary("min", low, K.int(atom.high), "i32");
      }
    }
  }

  /** An index without hoisting: inside another atom. */
  private plain(index: Index): KernelExpr {
    let sum: KernelExpr = K.int(0);
    for (const t of index.terms) sum = K.add(sum, K.multiply(this.atom(t.atom), t.coefficient));
    return K.add(sum, K.int(index.constant));
  }

  /** A conjunction of conditions; undefined where there is none. */
  conditions(list: readonly Condition[]): KernelExpr | undefined {
    // Both operands of a product may have the same.
    const keys = list.map((c) => `${c.kind} ${c.kind === "divisible" ? c.by : ""} ${c.index.key}`);
    const different = list.filter((_, i) => keys.indexOf(keys[i]) === i);
    let all: KernelExpr | undefined;
    for (const c of different) all = K.both(all, this.condition(c));
    return all;
  }

  private condition(c: Condition): KernelExpr {
    if (c.kind === "nonNegative") {
      // constant - x >= 0 reads better, and costs less, as x <= constant
      const [t] = c.index.terms;
      if (c.index.terms.length === 1 && t.coefficient === -1)
        return K.atMost(this.index(c.index.times(-1).plus(c.index.constant)), K.int(c.index.constant));
      return K.atMost(K.int(0), this.index(c.index));
    }
    return K.equal(this.index(c.index.mod(c.by)), K.int(0));
  }
}
