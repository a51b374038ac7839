/** Kernel expressions as sums of atoms, and conditions as inequalities. */

import type { Kernel, KernelExpr, Statement } from "../kernel.ts";
import { type Enclosing, operandsOf, type Scope, walkKernel, withVariable } from "../kernelTree.ts";
import type { ScalarType } from "../scalar.ts";
import { type Affine, Atoms, atom, keyOf, number, plus, type Range, scale, sharpen } from "./affine.ts";
import { provesAtMost } from "./proof.ts";

const wholeRange = (dtype: ScalarType): Range =>
  dtype === "u32" ? { low: 0, high: 2 ** 32 - 1 } : { low: -(2 ** 31), high: 2 ** 31 - 1 };

const isBelow = (r: Range, limit: number): boolean => r.low >= 0 && r.high < limit;

interface Quotient {
  readonly of: Affine;
  readonly by: number;
}

/** A register array that is filled once, by an unrolled loop over its elements: what element `variable` holds. */
interface Table {
  readonly variable: string;
  readonly value: KernelExpr;
}

/** The arrays of integers that are nothing but names for values. */
function tablesOf(kernel: Kernel): Map<string, Table> {
  const tables = new Map<string, Table>();
  const several = new Set<string>();
  walkKernel(kernel, (s, _, path) => {
    if (s.kind !== "assign" || s.value.dtype !== "i32") return;
    const around = path.at(-1)?.statement;
    const [index, ...more] = s.index;
    const whole =
      around?.kind === "for" && around.unroll && index?.kind === "variable" && index.name === around.variable;
    if (!whole || more.length > 0 || tables.has(s.register)) several.add(s.register);
    else tables.set(s.register, { variable: around.variable, value: s.value });
  });
  for (const name of several) tables.delete(name);
  return tables;
}

/** Reads expressions of one kernel; `facts` are what control flow guarantees where the expression stands. */
export class Symbols {
  readonly atoms = new Atoms();
  private readonly lets = new Map<Statement, Affine>();
  private readonly loops = new Map<Statement, Affine>();
  /** Quotients by key: what is divided, and by what. */
  private readonly quotients = new Map<string, Quotient>();
  private opaque = 0;
  private readonly tables: ReadonlyMap<string, Table>;

  constructor(private readonly kernel: Kernel) {
    this.tables = tablesOf(kernel);
  }

  /** Facts (at most 0 each) of all loops and conditions around a statement. */
  factsOf(path: readonly Enclosing[], scope: Scope): Affine[] {
    return path.flatMap((e) => {
      const s = e.statement;
      if (s.kind === "if") return this.condition(s.condition, scope, "holds" in e && e.holds);
      const v = this.loop(s, scope);
      const [from, to] = [this.read(s.from, scope), this.read(s.to, scope)];
      return [plus(from, v, -1), plus(plus(v, to, -1), number(1))];
    });
  }

  /** What a condition says where it holds, or where it does not. */
  condition(e: KernelExpr, scope: Scope, holds: boolean): Affine[] {
    if (e.kind === "variable") {
      const found = scope.find(e.name);
      return found?.kind === "let" ? this.condition(found.statement.value, scope, holds) : [];
    }
    if (e.kind !== "binary" || e.a.width !== 1) return [];
    if (e.op === "and" || e.op === "or")
      return holds === (e.op === "and")
        ? [...this.condition(e.a, scope, holds), ...this.condition(e.b, scope, holds)]
        : [];
    if (e.a.dtype !== "i32" && e.a.dtype !== "u32") return [];
    const difference = () => plus(this.read(e.a, scope), this.read(e.b, scope), -1);
    const atLeastOne = (x: Affine) => plus(number(1), x, -1);
    if (e.op === "lt") return [sharpen(holds ? plus(difference(), number(1)) : scale(difference(), -1))];
    if (e.op === "le") return [sharpen(holds ? difference() : atLeastOne(difference()))];
    if (e.op === "eq" && holds) return [difference(), scale(difference(), -1)];
    return [];
  }

  /** An integer scalar as a sum of atoms; what has no such form is an atom of its own. */
  read(e: KernelExpr, scope: Scope): Affine {
    const again = (x: KernelExpr) => this.read(x, scope);
    switch (e.kind) {
      case "constant":
        return number(e.value);
      case "variable": {
        const found = scope.find(e.name);
        if (found?.kind === "loop") return this.loop(found.statement, scope);
        if (found?.kind !== "let") return this.unknown(e);
        let value = this.lets.get(found.statement);
        if (!value) {
          value = again(found.statement.value);
          this.lets.set(found.statement, value);
        }
        return value;
      }
      case "builtin":
        return this.builtin(e.name);
      case "register": {
        const table = this.tables.get(e.name);
        return table ? again(withVariable(table.value, table.variable, e.index[0])) : this.unknown(e);
      }
      case "unary":
        if (e.op === "neg" && e.dtype === "i32") return scale(again(e.a), -1);
        if ((e.op === "toI32" || e.op === "toU32") && (e.a.dtype === "i32" || e.a.dtype === "u32")) {
          const a = again(e.a);
          return isBelow(this.atoms.range(a), 2 ** 31) ? a : this.unknown(e);
        }
        return this.unknown(e);
      case "binary":
        return this.binary(e, scope);
      case "select": {
        const [a, b] = [again(e.a), again(e.b)];
        const [x, y] = [this.atoms.range(a), this.atoms.range(b)];
        return this.atoms.add(this.fresh(), { low: Math.min(x.low, y.low), high: Math.max(x.high, y.high) });
      }
      default:
        return this.unknown(e);
    }
  }

  private fresh(): string {
    return `?${this.opaque++}`;
  }

  private unknown(e: KernelExpr): Affine {
    return this.atoms.add(this.fresh(), wholeRange(e.dtype));
  }

  private builtin(name: (KernelExpr & { kind: "builtin" })["name"]): Affine {
    const { kernel, atoms } = this;
    if (name === "local") return atoms.add("local", { low: 0, high: kernel.workgroupSize - 1 });
    if (name === "subgroupLane") {
      const size = kernel.subgroupSize ?? kernel.workgroupSize;
      return this.remainder(this.builtin("local"), size);
    }
    const d = ["workgroup.x", "workgroup.y", "workgroup.z"].indexOf(name);
    return kernel.workgroups[d] === 1 ? number(0) : atoms.add(name, { low: 0, high: kernel.workgroups[d] - 1 });
  }

  private loop(s: Extract<Statement, { kind: "for" }>, scope: Scope): Affine {
    let v = this.loops.get(s);
    if (v) return v;
    const [from, to] = [this.read(s.from, scope), this.read(s.to, scope)];
    const { low } = this.atoms.range(from);
    const { high } = this.atoms.range(to);
    // With constant bounds, the last value that the step reaches.
    const constant = from.terms.size === 0 && to.terms.size === 0;
    const last = constant ? low + Math.floor((high - 1 - low) / s.step) * s.step : high - 1;
    v = this.atoms.add(`${s.variable}#${this.loops.size}`, { low, high: Math.max(low, last) });
    this.loops.set(s, v);
    return v;
  }

  private binary(e: KernelExpr & { kind: "binary" }, scope: Scope): Affine {
    const [a, b] = operandsOf(e).map((x) => this.read(x, scope));
    const whole = wholeRange(e.dtype);
    /** A result that wraps is not what it says. */
    const fits = (x: Affine) => {
      const { low, high } = this.atoms.range(x);
      return e.dtype === "i32" || (low >= whole.low && high <= whole.high) ? x : this.unknown(e);
    };
    const factor = b.terms.size === 0 ? b.constant : undefined;
    switch (e.op) {
      case "add":
        return fits(plus(a, b));
      case "sub":
        return fits(plus(a, b, -1));
      case "mul":
        if (factor !== undefined) return fits(scale(a, factor));
        return a.terms.size === 0 ? fits(scale(b, a.constant)) : this.unknown(e);
      case "div":
        return factor !== undefined && factor > 0 ? this.quotient(a, factor) : this.unknown(e);
      case "mod":
        return factor !== undefined && factor > 0 ? this.remainder(a, factor) : this.unknown(e);
      case "shiftRight":
        return factor !== undefined && this.isNonNegative(a) ? this.quotient(a, 2 ** factor) : this.unknown(e);
      case "bitAnd":
        // With 2^n - 1 it is a remainder.
        return factor !== undefined && Number.isInteger(Math.log2(factor + 1)) && this.isNonNegative(a)
          ? this.remainder(a, factor + 1)
          : this.unknown(e);
      case "max":
      case "min":
        return this.extreme(e.op, a, b);
      default:
        return this.unknown(e);
    }
  }

  private extreme(op: "max" | "min", a: Affine, b: Affine): Affine {
    const [x, y] = [this.atoms.range(a), this.atoms.range(b)];
    const choose = op === "max" ? Math.max : Math.min;
    const key = `${op}(${keyOf(a)},${keyOf(b)})`;
    const self: Affine = { constant: 0, terms: new Map([[key, 1]]) };
    const sign = op === "max" ? -1 : 1;
    const facts = [a, b].map((o) => scale(plus(self, o, -1), sign));
    return this.atoms.add(key, { low: choose(x.low, y.low), high: choose(x.high, y.high) }, facts);
  }

  private isNonNegative(a: Affine): boolean {
    return provesAtMost(scale(a, -1), 0, [], this.atoms);
  }

  /** Truncating division by a positive constant. */
  private quotient(a: Affine, by: number): Affine {
    const { low, high } = this.atoms.range(a);
    if (!this.isNonNegative(a))
      return this.atoms.add(this.fresh(), { low: Math.trunc(low / by), high: Math.trunc(high / by) });
    // Multiples of `by` come out, as long as what stays inside is not negative (floor and truncation agree there).
    const { outside, inside } = multiplesOut(a, by);
    if (outside.terms.size > 0 && this.isNonNegative(inside)) return plus(outside, this.quotient(inside, by));
    if (a.terms.size === 0) return number(Math.floor(a.constant / by));
    // (x / m + n) / by = (x + m * n) / (m * by)
    for (const [k, c] of a.terms) {
      const nested = this.quotients.get(k);
      if (!nested || c !== 1) continue;
      const rest = plus(a, atom(k), -1);
      return this.quotient(plus(nested.of, rest, nested.by), nested.by * by);
    }
    const key = `(${keyOf(a)})/${by}`;
    const self: Affine = { constant: 0, terms: new Map([[key, by]]) };
    // by * q <= a <= by * q + by - 1
    const facts = [plus(self, a, -1), plus(plus(a, self, -1), number(1 - by))];
    const range = { low: Math.floor(Math.max(low, 0) / by), high: Math.floor(high / by) };
    const known = this.quotients.has(key);
    const q = this.atoms.add(key, range, facts);
    if (!known) this.relate(key, { of: a, by });
    return q;
  }

  /** Quotients of the same number: where m divides n, x / n is (x / m) / (n / m), which rounding hides from sums. */
  private relate(key: string, { of, by }: Quotient): void {
    for (const [otherKey, other] of this.quotients) {
      if (keyOf(other.of) !== keyOf(of)) continue;
      const coarse = other.by % by === 0 ? otherKey : by % other.by === 0 ? key : undefined;
      if (coarse === undefined) continue;
      const fine = atom(coarse === key ? otherKey : key);
      const times = Math.max(by, other.by) / Math.min(by, other.by);
      const scaled = scale(atom(coarse), times);
      const facts = [plus(scaled, fine, -1), plus(plus(fine, scaled, -1), number(1 - times))];
      this.atoms.learn(key, facts);
      this.atoms.learn(otherKey, facts);
    }
    this.quotients.set(key, { of, by });
  }

  /** Truncating remainder by a positive constant: an atom with a range of its own, tied to the quotient. */
  private remainder(a: Affine, by: number): Affine {
    if (!this.isNonNegative(a)) return this.atoms.add(this.fresh(), { low: 1 - by, high: by - 1 });
    const { inside } = multiplesOut(a, by);
    if (!this.isNonNegative(inside)) return plus(a, this.quotient(a, by), -by);
    const { high } = this.atoms.range(inside);
    if (high < by) return inside;
    const key = `(${keyOf(inside)})%${by}`;
    // r + by * q - a = 0
    const whole = plus(plus(atom(key), this.quotient(inside, by), by), inside, -1);
    return this.atoms.add(key, { low: 0, high: by - 1 }, [whole, scale(whole, -1)]);
  }
}

/** a = by * outside + inside, with the multiples of `by` outside. */
function multiplesOut(a: Affine, by: number): { readonly outside: Affine; readonly inside: Affine } {
  const isMultiple = ([, c]: [string, number]) => c % by === 0;
  const terms = [...a.terms];
  const turns = Math.floor(a.constant / by);
  return {
    outside: { constant: turns, terms: new Map(terms.filter(isMultiple).map(([k, c]) => [k, c / by])) },
    inside: { constant: a.constant - turns * by, terms: new Map(terms.filter((t) => !isMultiple(t))) },
  };
}
