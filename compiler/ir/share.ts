/** One object for all scalars that are the same: what is written twice is computed once, whoever wrote it. */
import type { Group } from "./fused.ts";
import { type Atom, Index } from "./index.ts";
import { mapIndices, Scalar } from "./scalar.ts";

/**
 * Interns scalars and the indices in them (hash-consing). Data-dependent integers that are the same become one atom, so
 * that equal indices have equal keys. Use one for a definition or a group, inside which axes and locals mean the same.
 */
export class Sharing {
  private readonly done = new Map<Scalar, Scalar>();
  private readonly byKey = new Map<string, Scalar>();
  private readonly data = new Map<string, Index>();
  private readonly numbers = new Map<object, number>();

  scalar(s: Scalar): Scalar {
    let result = this.done.get(s);
    if (!result) {
      const rebuilt = this.withSharedParts(s);
      const key = this.key(rebuilt);
      result = this.byKey.get(key) ?? rebuilt;
      this.byKey.set(key, result);
      this.done.set(s, result);
      this.done.set(result, result);
    }
    return result;
  }

  index(i: Index): Index {
    if (i.dataScalars().length === 0) return i;
    return i.terms.reduce((sum, t) => sum.plus(this.atom(t.atom).times(t.coefficient)), Index.of(i.constant));
  }

  private atom(atom: Atom): Index {
    switch (atom.kind) {
      case "axis":
        return Index.of(atom.axis);
      case "floorDiv":
        return this.index(atom.of).div(atom.by);
      case "mod":
        return this.index(atom.of).mod(atom.by);
      case "clamp":
        return this.index(atom.of).clamp(atom.low, atom.high);
      case "data": {
        const scalar = this.scalar(atom.scalar);
        const key = `${this.number(scalar)} ${atom.low} ${atom.high}`;
        const known = this.data.get(key) ?? Index.data(scalar, atom.low, atom.high);
        this.data.set(key, known);
        return known;
      }
    }
  }

  private withSharedParts(s: Scalar): Scalar {
    const n = s.node;
    switch (n.kind) {
      case "unary":
        return new Scalar({ ...n, a: this.scalar(n.a) }, s.dtype);
      case "binary":
        return new Scalar({ ...n, a: this.scalar(n.a), b: this.scalar(n.b) }, s.dtype);
      case "select":
        return new Scalar(
          { ...n, condition: this.scalar(n.condition), a: this.scalar(n.a), b: this.scalar(n.b) },
          s.dtype,
        );
      default:
        return mapIndices(s, (i) => this.index(i));
    }
  }

  /** Equal for equal scalars whose parts are shared already. */
  private key(s: Scalar): string {
    const n = s.node;
    const parts = (): (string | number)[] => {
      switch (n.kind) {
        case "constant":
          return [Object.is(n.value, -0) ? "-0" : n.value];
        case "read": {
          const index = n.index.map((i) => i.key).join(",");
          const guard = n.guard.map((c) => `${c.index.key}:${c.kind === "divisible" ? c.by : ""}`).join(",");
          return [this.number(n.tensor), index, guard, Object.is(n.fill, -0) ? "-0" : n.fill];
        }
        case "index":
          return [n.index.key];
        case "unary":
          return [n.op, this.number(n.a)];
        case "binary":
          return [n.op, this.number(n.a), this.number(n.b)];
        case "select":
          return [this.number(n.condition), this.number(n.a), this.number(n.b)];
        case "uniform":
          return [n.name];
        case "local":
          return [this.number(n.local)];
        case "random":
          return [n.stream, n.element.key];
        case "table":
          return [JSON.stringify(n.values), n.row.key, n.column.key];
      }
    };
    return [n.kind, s.dtype, ...parts()].join(" ");
  }

  private number(object: object): number {
    const number = this.numbers.get(object) ?? this.numbers.size;
    this.numbers.set(object, number);
    return number;
  }
}

/** The group with equal scalars as one object, as a parsed group has them. */
export function shareGroup(group: Group): Group {
  const sharing = new Sharing();
  const steps = group.steps.map((step) =>
    step.kind === "reduce"
      ? { ...step, body: sharing.scalar(step.body), ...(step.start ? { start: sharing.scalar(step.start) } : {}) }
      : { ...step, index: step.index.map((i) => sharing.index(i)), expr: sharing.scalar(step.expr) },
  );
  return { ...group, steps };
}
