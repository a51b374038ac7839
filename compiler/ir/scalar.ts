/** Scalar expressions over axes and tensors: what one element of a definition is. */
import { type Axis, Index } from "./index.ts";
import type { DType, Value } from "./types.ts";

export type ScalarType = DType | "bool";

/** What must hold for a read to take place; otherwise its `fill` is the value. Conditions are joined by "and". */
export type Condition =
  /** index >= 0 */
  | { readonly kind: "nonNegative"; readonly index: Index }
  /** index is a multiple of `by` */
  | { readonly kind: "divisible"; readonly index: Index; readonly by: number };

export type UnaryOp = "neg" | "exp" | "log" | "sqrt" | "abs" | "floor" | "toF32" | "toI32" | "toU32";
export type BinaryOp =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "max"
  | "min"
  | "pow"
  | "lt"
  | "le"
  | "eq"
  | "and"
  | "or"
  | "bitAnd"
  | "shiftRight";

/** Numbers that a run sets, the same for all elements: see runtime/program. */
export type UniformName = "seed" | "step" | "lr" | "momentum" | "weightDecay" | "pictureHeight" | "pictureWidth";

/** The result of a reduction step inside a fused group. Compared by identity. */
export interface Local {
  readonly name: string;
  readonly dtype: DType;
}

export type ScalarNode =
  | { readonly kind: "constant"; readonly value: number }
  | {
      readonly kind: "read";
      readonly tensor: Value;
      /** One index a dimension of the tensor's logical shape, inside it wherever the guard holds. */
      readonly index: readonly Index[];
      readonly guard: readonly Condition[];
      readonly fill: number;
    }
  | { readonly kind: "index"; readonly index: Index }
  | { readonly kind: "unary"; readonly op: UnaryOp; readonly a: Scalar }
  | { readonly kind: "binary"; readonly op: BinaryOp; readonly a: Scalar; readonly b: Scalar }
  | { readonly kind: "select"; readonly condition: Scalar; readonly a: Scalar; readonly b: Scalar }
  | { readonly kind: "uniform"; readonly name: UniformName }
  | { readonly kind: "local"; readonly local: Local }
  /** Uniform in [0, 1): Threefry 2x32 with key (seed, step) and counter (element, stream); 24 bits of the first word. */
  | { readonly kind: "random"; readonly stream: number; readonly element: Index }
  /** An element of a constant matrix: the coefficients of a transform. */
  | { readonly kind: "table"; readonly values: Table; readonly row: Index; readonly column: Index };

/** A constant matrix, row by row. */
export type Table = readonly (readonly number[])[];

type Operand = Scalar | number;

export class Scalar {
  constructor(
    readonly node: ScalarNode,
    readonly dtype: ScalarType,
  ) {}

  static constant(value: number, dtype: ScalarType = "f32"): Scalar {
    return new Scalar({ kind: "constant", value }, dtype);
  }
  /** An index as an i32 value. */
  static index(index: Index | Axis): Scalar {
    return new Scalar({ kind: "index", index: Index.of(index) }, "i32");
  }
  static uniform(name: UniformName): Scalar {
    const integer = name === "seed" || name === "step";
    return new Scalar({ kind: "uniform", name }, integer ? "u32" : name.startsWith("picture") ? "i32" : "f32");
  }
  static random(stream: number, element: Index): Scalar {
    return new Scalar({ kind: "random", stream, element }, "f32");
  }
  static table(values: Table, row: Index | Axis, column: Index | Axis): Scalar {
    return new Scalar({ kind: "table", values, row: Index.of(row), column: Index.of(column) }, "f32");
  }
  static local(local: Local): Scalar {
    return new Scalar({ kind: "local", local }, local.dtype);
  }
  static select(condition: Scalar, a: Operand, b: Operand): Scalar {
    const like = a instanceof Scalar ? a.dtype : b instanceof Scalar ? b.dtype : "f32";
    return new Scalar({ kind: "select", condition, a: lift(a, like), b: lift(b, like) }, like);
  }

  private unary(op: UnaryOp, dtype: ScalarType = this.dtype): Scalar {
    return new Scalar({ kind: "unary", op, a: this }, dtype);
  }
  private binary(op: BinaryOp, other: Operand, dtype: ScalarType = this.dtype): Scalar {
    return new Scalar({ kind: "binary", op, a: this, b: lift(other, this.dtype) }, dtype);
  }

  plus(other: Operand): Scalar {
    return this.binary("add", other);
  }
  minus(other: Operand): Scalar {
    return this.binary("sub", other);
  }
  times(other: Operand): Scalar {
    return this.binary("mul", other);
  }
  over(other: Operand): Scalar {
    return this.binary("div", other);
  }
  max(other: Operand): Scalar {
    return this.binary("max", other);
  }
  min(other: Operand): Scalar {
    return this.binary("min", other);
  }
  /** this ** other; this must be positive. */
  pow(other: Operand): Scalar {
    return this.binary("pow", other);
  }
  lessThan(other: Operand): Scalar {
    return this.binary("lt", other, "bool");
  }
  atMost(other: Operand): Scalar {
    return this.binary("le", other, "bool");
  }
  equals(other: Operand): Scalar {
    return this.binary("eq", other, "bool");
  }
  and(other: Scalar): Scalar {
    return this.binary("and", other, "bool");
  }
  or(other: Scalar): Scalar {
    return this.binary("or", other, "bool");
  }
  bitAnd(other: Operand): Scalar {
    return this.binary("bitAnd", other);
  }
  shiftRight(other: Operand): Scalar {
    return this.binary("shiftRight", other);
  }
  negated(): Scalar {
    return this.unary("neg");
  }
  exp(): Scalar {
    return this.unary("exp");
  }
  log(): Scalar {
    return this.unary("log");
  }
  sqrt(): Scalar {
    return this.unary("sqrt");
  }
  abs(): Scalar {
    return this.unary("abs");
  }
  floor(): Scalar {
    return this.unary("floor");
  }
  toF32(): Scalar {
    return this.unary("toF32", "f32");
  }
  toI32(): Scalar {
    return this.unary("toI32", "i32");
  }
  toU32(): Scalar {
    return this.unary("toU32", "u32");
  }
}

const lift = (value: Operand, dtype: ScalarType): Scalar =>
  value instanceof Scalar ? value : Scalar.constant(value, dtype);

/** The value where the condition holds, else 0. */
export const when = (condition: Scalar, value: Scalar): Scalar => Scalar.select(condition, value, 0);

/**
 * Rebuilds an expression bottom-up: `f` gets each node with its children already rebuilt. What does not change stays the
 * same object, and what is shared stays shared; pass one memo for expressions that share parts.
 */
export function rewriteScalar(s: Scalar, f: (s: Scalar) => Scalar, memo = new Map<Scalar, Scalar>()): Scalar {
  const known = memo.get(s);
  if (known) return known;
  const again = (x: Scalar) => rewriteScalar(x, f, memo);
  const result = f(rebuild(s, again));
  memo.set(s, result);
  return result;
}

function rebuild(s: Scalar, again: (x: Scalar) => Scalar): Scalar {
  const n = s.node;
  switch (n.kind) {
    case "unary": {
      const a = again(n.a);
      return a === n.a ? s : new Scalar({ ...n, a }, s.dtype);
    }
    case "binary": {
      const [a, b] = [again(n.a), again(n.b)];
      return a === n.a && b === n.b ? s : new Scalar({ ...n, a, b }, s.dtype);
    }
    case "select": {
      const [condition, a, b] = [again(n.condition), again(n.a), again(n.b)];
      const same = condition === n.condition && a === n.a && b === n.b;
      return same ? s : new Scalar({ ...n, condition, a, b }, s.dtype);
    }
    default:
      return s;
  }
}

/** Replaces axes by indices in every read, index and random of an expression, also inside data-dependent indices. */
export function substituteAxes(
  s: Scalar,
  map: ReadonlyMap<Axis, Index>,
  memo: Map<Scalar, Scalar> = new Map(),
): Scalar {
  const sub = (index: Index) => index.substitute(map, (x) => substituteAxes(x, map, memo));
  return rewriteScalar(s, (x) => mapIndices(x, sub), memo);
}

/** The node with `f` applied to each of its own indices. */
export function mapIndices(s: Scalar, f: (index: Index) => Index): Scalar {
  const n = s.node;
  switch (n.kind) {
    case "index":
      return new Scalar({ ...n, index: f(n.index) }, s.dtype);
    case "random":
      return new Scalar({ ...n, element: f(n.element) }, s.dtype);
    case "table":
      return new Scalar({ ...n, row: f(n.row), column: f(n.column) }, s.dtype);
    case "read": {
      const guard = n.guard.map((c): Condition => ({ ...c, index: f(c.index) }));
      return new Scalar({ ...n, index: n.index.map(f), guard }, s.dtype);
    }
    default:
      return s;
  }
}

/** The node's own indices: where it reads, and the conditions of that. */
export function indicesOf(n: ScalarNode): readonly Index[] {
  switch (n.kind) {
    case "index":
      return [n.index];
    case "random":
      return [n.element];
    case "table":
      return [n.row, n.column];
    case "read":
      return [...n.index, ...n.guard.map((c) => c.index)];
    default:
      return [];
  }
}

/** Visits every node, also inside data-dependent indices. */
export function visitScalar(s: Scalar, f: (s: Scalar) => void): void {
  f(s);
  const n = s.node;
  switch (n.kind) {
    case "unary":
      visitScalar(n.a, f);
      break;
    case "binary":
      visitScalar(n.a, f);
      visitScalar(n.b, f);
      break;
    case "select":
      visitScalar(n.condition, f);
      visitScalar(n.a, f);
      visitScalar(n.b, f);
      break;
  }
  for (const index of indicesOf(n)) for (const d of index.dataScalars()) visitScalar(d, f);
}

/** Whether constant matrices stand in the expression: it is a transform then, which is scheduled as a whole. */
export function hasTables(s: Scalar): boolean {
  let found = false;
  visitScalar(s, (x) => {
    found ||= x.node.kind === "table";
  });
  return found;
}

export type ReadNode = Extract<ScalarNode, { kind: "read" }>;

/** Every read in the expression, in order, also inside data-dependent indices. */
export function readsOf(s: Scalar): ReadNode[] {
  const reads: ReadNode[] = [];
  visitScalar(s, (x) => {
    if (x.node.kind === "read") reads.push(x.node);
  });
  return reads;
}
