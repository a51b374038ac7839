/** Scalar expressions of a fused group to kernel expressions, four elements at a time where a lane axis is given. */
import { type Axis, Index } from "../ir/index.ts";
import type { KernelExpr, Storage } from "../ir/kernel.ts";
import * as K from "../ir/kernelExpr.ts";
import type { UniformName } from "../ir/scalar.ts";
import { type Condition, type Local, type ReadNode, rewriteScalar, Scalar } from "../ir/scalar.ts";
import type { Value } from "../ir/types.ts";
import type { BufferTable } from "./buffers.ts";
import type { Nest } from "./nest.ts";

export interface ScalarContext {
  readonly nest: Nest;
  readonly table: BufferTable;
  /** From the group's axes to the schedule's. */
  readonly substitution: ReadonlyMap<Axis, Index>;
  /** Axis of extent 4 along which expressions are vectors; it may appear in `substitution`, and is bound to nothing. */
  readonly vectorAxis?: Axis;
  readonly locals: ReadonlyMap<Local, KernelExpr>;
  readonly uniforms: Set<UniformName>;
}

const lane = (axis: Axis, value: number) => new Map([[axis, Index.of(value)]]);

export class ScalarEmitter {
  /** What was emitted in the present scope, by the expression object: shared subexpressions are computed once. */
  private memo = new Map<Scalar, KernelExpr>();

  constructor(readonly context: ScalarContext) {
    context.nest.emitData = (s) => new ScalarEmitter({ ...context, vectorAxis: undefined }).emit(s);
  }

  /** Shares the values already emitted, for use in an inner scope. */
  inner(changes: Partial<ScalarContext>): ScalarEmitter {
    const e = new ScalarEmitter({ ...this.context, ...changes });
    e.memo = new Map(this.memo);
    return e;
  }

  private substitute(index: Index): Index {
    return index.substitute(this.context.substitution);
  }

  emit(s: Scalar): KernelExpr {
    const known = this.memo.get(s);
    if (known) return known;
    const result = this.make(s);
    this.memo.set(s, result);
    return result;
  }

  private make(s: Scalar): KernelExpr {
    const n = s.node;
    const { nest, locals, uniforms } = this.context;
    switch (n.kind) {
      case "constant":
        return K.constant(n.value, s.dtype);
      case "uniform":
        uniforms.add(n.name);
        return K.uniform(n.name, s.dtype);
      case "local": {
        const local = locals.get(n.local);
        if (!local) throw new Error(`local ${n.local.name} is read before its step`);
        return local;
      }
      case "index":
        return this.perLane(this.substitute(n.index), (i) => nest.index(i));
      case "random": {
        uniforms.add("seed").add("step");
        return this.perLane(this.substitute(n.element), (i) => ({
          kind: "random",
          stream: n.stream,
          element: K.unary("toU32", nest.index(i), "u32"),
          dtype: "f32",
          width: 1,
        }));
      }
      case "table": {
        const [row, column] = [n.row, n.column].map((i) => this.substitute(i));
        if (!row.isConstant() || !column.isConstant()) throw new Error("a table is read where its index varies");
        return K.constant(n.values[row.constant][column.constant], "f32");
      }
      case "unary":
        return nest.let("t", K.unary(n.op, this.emit(n.a), s.dtype));
      case "binary":
        // One rounding or two is the driver's choice in WGSL; fma says what is meant and is faster where it exists.
        if (n.op === "add" && s.dtype === "f32") {
          for (const [product, other] of [
            [n.a, n.b],
            [n.b, n.a],
          ] as const) {
            if (product.node.kind !== "binary" || product.node.op !== "mul" || this.memo.has(product)) continue;
            const parts = [this.emit(product.node.a), this.emit(product.node.b), this.emit(other)];
            const [a, b, c] = parts.some((p) => p.width === 4) ? parts.map(K.splat) : parts;
            return nest.let("t", K.fma(a, b, c));
          }
        }
        return nest.let("t", K.binary(n.op, this.emit(n.a), this.emit(n.b), s.dtype));
      case "select":
        return nest.let("t", K.select(this.emit(n.condition), this.emit(n.a), this.emit(n.b)));
      case "read":
        return this.read(n);
    }
  }

  /** One value where the index is the same for all lanes, else a vector of four. */
  private perLane(index: Index, f: (index: Index) => KernelExpr): KernelExpr {
    const { vectorAxis } = this.context;
    if (!vectorAxis || index.coefficientOf(vectorAxis) === 0) return f(index);
    return K.vector([0, 1, 2, 3].map((l) => f(index.substitute(lane(vectorAxis, l)))));
  }

  private read(n: ReadNode): KernelExpr {
    const { nest, table, vectorAxis } = this.context;
    const index = n.index.map((i) => this.substitute(i));
    const guard = n.guard
      .map((c): Condition => ({ ...c, index: this.substitute(c.index) }))
      .filter((c) => c.kind === "divisible" || c.index.interval().low < 0);
    return loadGuarded(nest, table, n, table.address(n.tensor, index), guard, vectorAxis);
  }
}

/** True where four lanes of this address are one aligned vector. */
export const isVectorAddress = (at: Index, vectorAxis: Axis): boolean =>
  at.coefficientOf(vectorAxis) === 1 &&
  at.constant % 4 === 0 &&
  at.terms.every((t) => t.coefficient % 4 === 0 || (t.atom.kind === "axis" && t.atom.axis === vectorAxis));

/** Loads one element, or four along the vector axis; what the guard does not hold for is the read's `fill`. */
export function loadGuarded(
  nest: Nest,
  table: BufferTable,
  { tensor, fill }: Pick<ReadNode, "tensor" | "fill">,
  at: Index,
  guard: readonly Condition[],
  vectorAxis?: Axis,
): KernelExpr {
  const loaded = loadValue(nest, table, tensor, at, vectorAxis, { guard });
  if (guard.length === 0) return loaded;
  const otherwise = K.constant(fill, tensor.type.dtype);
  const varies = vectorAxis && guard.some((c) => c.index.coefficientOf(vectorAxis) !== 0);
  if (!varies) return nest.let("x", K.select(nest.conditions(guard)!, loaded, otherwise));
  const conditions = K.vector([0, 1, 2, 3].map((l) => nest.conditions(atLane(guard, vectorAxis, l))!));
  return nest.let("x", K.select(conditions, K.splat(loaded), otherwise));
}

const atLane = (guard: readonly Condition[], vectorAxis: Axis, l: number): Condition[] =>
  guard.map((c) => ({ ...c, index: c.index.substitute(lane(vectorAxis, l)) }));

interface LoadOptions {
  readonly storage?: Storage;
  /** Under which the address is inside. */
  readonly guard?: readonly Condition[];
}

/** Loads one element, or four along the vector axis; as one vector where memory has them side by side. */
export function loadValue(
  nest: Nest,
  table: BufferTable,
  value: Value,
  at: Index,
  vectorAxis?: Axis,
  { storage = "buffer", guard = [] }: LoadOptions = {},
): KernelExpr {
  /** An index that is inside whether one of the conditions holds or not. */
  const bounded = (index: KernelExpr, inside: readonly (readonly Condition[])[]): KernelExpr => {
    if (!nest.boundsLoads || guard.length === 0) return index;
    const conditions = new Map(inside.map((list) => [list.map((c) => `${c.kind} ${c.index.key}`).join(), list]));
    const any = [...conditions.values()].map((list) => nest.conditions(list)!);
    return K.select(
      any.reduce((a, b) => K.binary("or", a, b, "bool")),
      index,
      K.int(0),
    );
  };
  const lanes = [0, 1, 2, 3];
  const { name } = table.use(value, "read", storage);
  const { dtype } = value.type;
  const vector = (axis: Axis) => {
    const inside = lanes.map((l) => atLane(guard, axis, l));
    return nest.let("x", K.load(name, bounded(nest.index(at.substitute(lane(axis, 0)).div(4)), inside), dtype, 4));
  };
  if (storage === "texture") {
    if (!vectorAxis || !isVectorAddress(at, vectorAxis))
      throw new Error(`%${value.name} is in a texture, but not read by whole vectors`);
    return vector(vectorAxis);
  }
  const scalarLoad = (i: Index, ...inside: readonly (readonly Condition[])[]): KernelExpr =>
    nest.let("x", K.load(name, bounded(nest.index(i), inside), dtype, 1));
  if (!vectorAxis || at.coefficientOf(vectorAxis) === 0) {
    table.scalars.add(value);
    return scalarLoad(at, ...(vectorAxis ? lanes.map((l) => atLane(guard, vectorAxis, l)) : [guard]));
  }
  if (isVectorAddress(at, vectorAxis) && table.width(value) === 4) return vector(vectorAxis);
  table.scalars.add(value);
  return K.vector(lanes.map((l) => scalarLoad(at.substitute(lane(vectorAxis, l)), atLane(guard, vectorAxis, l))));
}

/** Stores one element, or four along the vector axis. */
export function storeValue(
  nest: Nest,
  table: BufferTable,
  value: Value,
  at: Index,
  stored: KernelExpr,
  vectorAxis?: Axis,
): void {
  const { name } = table.use(value, "write");
  if (!vectorAxis) {
    table.scalars.add(value);
    nest.push({ kind: "store", buffer: name, index: nest.index(at), value: stored });
    return;
  }
  const whole = K.splat(stored);
  if (isVectorAddress(at, vectorAxis) && table.width(value) === 4) {
    const index = nest.index(at.substitute(lane(vectorAxis, 0)).div(4));
    nest.push({ kind: "store", buffer: name, index, value: whole });
    return;
  }
  table.scalars.add(value);
  for (let l = 0; l < 4; l++) {
    const index = nest.index(at.substitute(lane(vectorAxis, l)));
    nest.push({ kind: "store", buffer: name, index, value: K.component(whole, K.int(l)) });
  }
}

/** Whether an expression is 0 wherever none of its guarded reads take place. */
export function vanishesOutside(s: Scalar, key: string): boolean {
  const n = s.node;
  switch (n.kind) {
    case "constant":
      return n.value === 0;
    case "read":
      return n.fill === 0 && guardKey(n) === key;
    case "unary":
      return ["neg", "abs", "toF32", "toI32", "toU32", "floor"].includes(n.op) && vanishesOutside(n.a, key);
    case "binary":
      if (n.op === "mul") return vanishesOutside(n.a, key) || vanishesOutside(n.b, key);
      if (n.op === "div") return vanishesOutside(n.a, key);
      return (n.op === "add" || n.op === "sub") && vanishesOutside(n.a, key) && vanishesOutside(n.b, key);
    case "select":
      return vanishesOutside(n.a, key) && vanishesOutside(n.b, key);
    default:
      return false;
  }
}

export const guardKey = (n: ReadNode): string =>
  n.guard
    .map((c) => `${c.kind}${c.kind === "divisible" ? c.by : ""}:${c.index.key}`)
    .sort()
    .join(" ");

/** The same expression with its guards dropped: for use where they are known to hold. */
export const withoutGuards = (s: Scalar): Scalar =>
  rewriteScalar(s, (x) => (x.node.kind === "read" ? new Scalar({ ...x.node, guard: [] }, x.dtype) : x));
