/** Random indices and scalars, and their values, for property tests. */
import fc from "fast-check";
import { type Atom, type Axis, Index } from "../../compiler/ir/index.ts";
import { type BinaryOp, type Condition, type Local, Scalar, type UnaryOp } from "../../compiler/ir/scalar.ts";
import { elementCount, type Value } from "../../compiler/ir/types.ts";

/** What a random expression may read. */
export interface World {
  readonly axes: readonly Axis[];
  readonly tensors: readonly Value[];
  readonly locals: readonly Local[];
}

/** Small numbers often, and the ones that printing could spoil. */
const constants = fc.oneof(
  fc.integer({ min: -9, max: 9 }),
  fc.double({ noNaN: false }),
  fc.constantFrom(0, -0, 1e-7, 1e21, -3.4028234663852886e38, 5e-324, Infinity, -Infinity),
);

/** Indices over the axes, through every constructor. */
export function indices(world: World, scalars?: fc.Arbitrary<Scalar>): fc.Arbitrary<Index> {
  const small = fc.integer({ min: -20, max: 20 });
  const positive = fc.integer({ min: 1, max: 12 });
  const leaves: fc.Arbitrary<Index>[] = [fc.constantFrom(...world.axes).map(Index.of), small.map(Index.of)];
  if (scalars)
    leaves.push(fc.tuple(scalars, small, positive).map(([s, low, size]) => Index.data(s.toI32(), low, low + size)));
  return fc.letrec<{ index: Index }>((tie) => ({
    index: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.oneof(...leaves),
      fc.tuple(tie("index"), tie("index")).map(([a, b]) => a.plus(b)),
      fc.tuple(tie("index"), tie("index")).map(([a, b]) => a.minus(b)),
      fc.tuple(tie("index"), small).map(([a, k]) => a.times(k)),
      fc.tuple(tie("index"), positive).map(([a, k]) => a.div(k)),
      fc.tuple(tie("index"), positive).map(([a, k]) => a.mod(k)),
      fc.tuple(tie("index"), small, positive).map(([a, low, size]) => a.clamp(low, low + size)),
    ),
  })).index;
}

const unaryOps: readonly UnaryOp[] = ["neg", "exp", "log", "sqrt", "abs", "floor", "toF32", "toI32", "toU32"];
const binaryOps: readonly BinaryOp[] = ["add", "sub", "mul", "div", "max", "min", "pow", "lt", "le", "eq"];
const lateOps: readonly BinaryOp[] = ["and", "or", "bitAnd", "shiftRight"];

/** Scalars of every kind. They make sense to the printer, not to a verifier: types are mixed. */
export function scalars(world: World): fc.Arbitrary<Scalar> {
  const plain = indices(world);
  const integers = fc.integer({ min: 0, max: 1e6 });
  const leaves: fc.Arbitrary<Scalar>[] = [
    constants.map((v) => Scalar.constant(v)),
    integers.map((v) => Scalar.constant(v, "u32")),
    integers.map((v) => Scalar.constant(-v, "i32")),
    fc.boolean().map((v) => Scalar.constant(v ? 1 : 0, "bool")),
    fc
      .constantFrom("seed", "step", "lr", "momentum", "weightDecay", "pictureHeight", "pictureWidth")
      .map((n) => Scalar.uniform(n as never)),
    fc.tuple(fc.nat(9), plain).map(([stream, element]) => Scalar.random(stream, element)),
    plain.map(Scalar.index),
  ];
  if (world.locals.length > 0) leaves.push(fc.constantFrom(...world.locals).map(Scalar.local));
  return fc.letrec<{ scalar: Scalar }>((tie) => ({
    scalar: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.oneof(...leaves),
      reads(world, indices(world, tie("scalar"))),
      fc.tuple(fc.constantFrom(...unaryOps), tie("scalar")).map(([op, a]) => {
        const method = { neg: "negated" }[op as string] ?? op;
        return (a as unknown as Record<string, () => Scalar>)[method]();
      }),
      fc.tuple(fc.constantFrom(...binaryOps, ...lateOps), tie("scalar"), tie("scalar")).map(([op, a, b]) => {
        const bool = ["lt", "le", "eq", "and", "or"].includes(op);
        return new Scalar({ kind: "binary", op, a, b }, bool ? "bool" : a.dtype);
      }),
      fc.tuple(tie("scalar"), tie("scalar"), tie("scalar")).map(([c, a, b]) => Scalar.select(c, a, b)),
    ),
  })).scalar;
}

function reads(world: World, index: fc.Arbitrary<Index>): fc.Arbitrary<Scalar> {
  const condition: fc.Arbitrary<Condition> = fc.oneof(
    index.map((i): Condition => ({ kind: "nonNegative", index: i })),
    fc.tuple(index, fc.integer({ min: 2, max: 9 })).map(([i, by]): Condition => ({ kind: "divisible", index: i, by })),
  );
  return fc.constantFrom(...world.tensors).chain((tensor) => {
    const rank = tensor.type.shape.length;
    const fill = tensor.type.dtype === "f32" ? constants : fc.constant(tensor.type.dtype === "i32" ? -1 : 1);
    return fc
      .tuple(fc.array(index, { minLength: rank, maxLength: rank }), fc.array(condition, { maxLength: 2 }), fill)
      .map(([position, guard, f]) => {
        // Without a guard the fill is never the value, and is not written.
        const node = { kind: "read" as const, tensor, index: position, guard, fill: guard.length > 0 ? f : 0 };
        return new Scalar(node, tensor.type.dtype);
      });
  });
}

/** Scalars whose parts are used again: each step combines two of those before it, the last is the whole. */
export const dags = (world: World): fc.Arbitrary<Scalar> =>
  fc
    .tuple(
      fc.array(scalars(world), { minLength: 2, maxLength: 4 }),
      fc.array(fc.tuple(fc.constantFrom("plus", "times", "max"), fc.nat(), fc.nat()), { minLength: 1, maxLength: 12 }),
    )
    .map(([parts, steps]) => {
      const made = [...parts];
      for (const [method, a, b] of steps)
        made.push(made[a % made.length][method as "plus"](made[b % made.length].negated()));
      return made[made.length - 1];
    });

/** The value of an index where its axes have these values, by name; data-dependent atoms are not for this. */
export function evaluate(index: Index, at: ReadonlyMap<string, number>): number {
  const atomValue = (atom: Atom): number => {
    switch (atom.kind) {
      case "axis":
        return at.get(atom.axis.name) as number;
      case "floorDiv":
        return Math.floor(evaluate(atom.of, at) / atom.by);
      case "mod": {
        const rest = evaluate(atom.of, at) % atom.by;
        return rest < 0 ? rest + atom.by : rest;
      }
      case "clamp":
        return Math.min(Math.max(evaluate(atom.of, at), atom.low), atom.high);
      case "data":
        throw new Error("no data here");
    }
  };
  return index.terms.reduce((sum, t) => sum + t.coefficient * atomValue(t.atom), index.constant + 0) + 0;
}

/** Every point of the axes' domain, by name. */
export function* points(axes: readonly Axis[]): Generator<Map<string, number>> {
  const count = elementCount(axes.map((a) => a.extent));
  for (let flat = 0; flat < count; flat++) {
    const at = new Map<string, number>();
    let rest = flat;
    for (const { name, extent } of axes) {
      at.set(name, rest % extent);
      rest = Math.floor(rest / extent);
    }
    yield at;
  }
}
