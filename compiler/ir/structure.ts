/**
 * Scalars and indices as text without names: equal where they are the same but for what values and axes are called, so
 * that what two contractions or two groups have in common is found by comparing text.
 */
import type { Axis, Index } from "./index.ts";
import type { Condition, ReadNode, Scalar } from "./scalar.ts";
import type { Value } from "./types.ts";

/** How the owner of an expression calls what stands in it. */
export interface StructureNames {
  readonly axis: (axis: Axis) => string;
  /** What a value is; called for a value's every mention. */
  readonly tensor: (value: Value) => string;
  /** Where it is read or stored. */
  readonly place: (value: Value, index: readonly Index[]) => string;
  readonly local: (s: Extract<Scalar["node"], { kind: "local" }>["local"]) => string;
  readonly stream: (stream: number) => string;
}

/** Writes expressions, which are graphs, a node a line; what is the same is written once. */
export class StructureWriter {
  readonly lines: string[] = [];
  private readonly written = new Map<Scalar, string>();
  private readonly byText = new Map<string, string>();

  constructor(private readonly names: StructureNames) {}

  index(index: Index): string {
    const terms = index.terms.map(({ coefficient, atom }) => {
      switch (atom.kind) {
        case "axis":
          return `${coefficient}*${this.names.axis(atom.axis)}`;
        case "floorDiv":
          return `${coefficient}*(${this.index(atom.of)})/${atom.by}`;
        case "mod":
          return `${coefficient}*(${this.index(atom.of)})%${atom.by}`;
        case "clamp":
          return `${coefficient}*clamp(${this.index(atom.of)},${atom.low},${atom.high})`;
        case "data":
          return `${coefficient}*data(${this.scalar(atom.scalar)},${atom.low},${atom.high})`;
      }
    });
    return [...terms.sort(), index.constant].join("+");
  }

  conditions(list: readonly Condition[]): string {
    if (list.length === 0) return "true";
    const one = (c: Condition) =>
      c.kind === "divisible" ? `${this.index(c.index)}%${c.by}=0` : `${this.index(c.index)}>=0`;
    return list.map(one).sort().join(" and ");
  }

  read({ tensor, index, guard, fill }: ReadNode): string {
    return `${this.access(tensor, index)} if ${this.conditions(guard)} else ${Object.is(fill, -0) ? "-0" : fill}`;
  }

  access(value: Value, index: readonly Index[]): string {
    return `${this.names.tensor(value)} at ${this.names.place(value, index)}`;
  }

  /** The name of the line on which the scalar is written. */
  scalar(s: Scalar): string {
    const known = this.written.get(s);
    if (known) return known;
    const text = `${s.dtype} ${this.node(s)}`;
    const name = this.byText.get(text) ?? `s${this.byText.size}`;
    if (!this.byText.has(text)) this.lines.push(`${name} ${text}`);
    this.byText.set(text, name);
    this.written.set(s, name);
    return name;
  }

  private node({ node: n }: Scalar): string {
    switch (n.kind) {
      case "constant":
        return Object.is(n.value, -0) ? "-0" : `${n.value}`;
      case "read":
        return this.read(n);
      case "index":
        return this.index(n.index);
      case "unary":
        return `${n.op} ${this.scalar(n.a)}`;
      case "binary":
        return `${n.op} ${this.scalar(n.a)} ${this.scalar(n.b)}`;
      case "select":
        return `select ${this.scalar(n.condition)} ${this.scalar(n.a)} ${this.scalar(n.b)}`;
      case "uniform":
        return `uniform ${n.name}`;
      case "local":
        return this.names.local(n.local);
      case "random":
        return `random ${this.names.stream(n.stream)} ${this.index(n.element)}`;
      case "table":
        return `table ${JSON.stringify(n.values)} ${this.index(n.row)} ${this.index(n.column)}`;
    }
  }
}
