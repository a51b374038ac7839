import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Axis, Index } from "../../compiler/ir/index.ts";
import { Scalar } from "../../compiler/ir/scalar.ts";
import { Sharing } from "../../compiler/ir/share.ts";
import { f32, tensorType, type Value } from "../../compiler/ir/types.ts";
import { type ParseScope, parseIndex } from "../../compiler/text/parseIndex.ts";
import { ScalarParser } from "../../compiler/text/parseScalar.ts";
import { printIndex } from "../../compiler/text/printIndex.ts";
import { newScope, printScalar } from "../../compiler/text/printScalar.ts";
import { TokenStream } from "../../compiler/text/tokenStream.ts";
import { evaluate, indices, points, scalars, type World } from "./generators.ts";

const axis = (name: string, extent: number) => new Axis(name, extent);
const value = (name: string, dtype: "f32" | "i32" | "u32", ...shape: number[]): Value => ({
  name,
  type: tensorType(dtype, shape),
});

const world = (order: readonly number[] = [0, 1, 2, 3]): World => {
  const extents: [string, number][] = [
    ["n", 3],
    ["c", 16],
    ["i", 5],
    ["p", 1],
  ];
  const made: Axis[] = [];
  // Ids grow in the order of making; the axes' place is the same.
  for (const k of order) made[k] = axis(...extents[k]);
  return {
    axes: made,
    tensors: [value("x", "f32", 3, 16, 5), value("labels", "i32", 3), value("winner", "u32", 3, 5), value("lr", "f32")],
    locals: [
      { name: "acc", dtype: "f32" },
      { name: "where", dtype: "u32" },
    ],
  };
};

const printScope = ({ axes, locals }: World) => {
  const scope = newScope();
  for (const a of axes) scope.bind(a);
  for (const l of locals) scope.bindLocal(l);
  return scope;
};

const parserOver = (text: string, w: World) => {
  const tokens = new TokenStream(text);
  const parser = new ScalarParser(tokens, () => {
    const found = w.tensors.find((t) => t.name === tokens.next.name);
    if (!found) return tokens.fail("no such tensor");
    tokens.take();
    return found;
  });
  const scope: ParseScope = parser.newScope();
  for (const a of w.axes) scope.axes.set(a.name, a);
  for (const l of w.locals) scope.locals.set(l.name === "where" ? "where_1" : l.name, l);
  return {
    index: () => ended(parseIndex(tokens, scope), tokens),
    scalar: () => ended(parser.parse(scope), tokens),
  };
};

function ended<T>(result: T, tokens: TokenStream): T {
  expect(tokens.next.kind).toBe("end");
  return result;
}

describe("an index as text", () => {
  const [n, c, i, p] = [axis("n", 8), axis("c", 16), axis("i", 54), axis("p", 3)];
  const scope = newScope();
  for (const a of [n, c, i, p]) scope.bind(a);
  const of = Index.of;
  const labels = new Scalar(
    { kind: "read", tensor: value("labels", "i32", 8), index: [of(n)], guard: [], fill: 0 },
    "i32",
  );

  const indexTexts: [Index, string][] = [
    [of(0), "0"],
    [of(-3), "-3"],
    [of(p).minus(1).plus(of(i).times(4)), "4*i + p - 1"],
    [of(3).minus(p), "-p + 3"],
    [of(c).div(8), "c / 8"],
    [of(c).mod(8), "c % 8"],
    [of(c).div(8).times(4).plus(of(c).mod(4)), "4*(c / 8) + (c % 4)"],
    [of(c).div(8).times(-1).plus(i), "-(c / 8) + i"],
    [of(i).plus(p).minus(1).div(2), "((i + p + 1) / 2) - 1"],
    [of(i).times(3).mod(8), "(3*i) % 8"],
    [of(c).div(8).plus(p).mod(3), "((c / 8) + p) % 3"],
    [of(i).minus(1).clamp(0, 9), "clamp(i - 1, 0, 9)"],
    [of(i).minus(1).clamp(-2, 9).times(2), "2*clamp(i - 1, -2, 9)"],
    [Index.data(labels, 0, 9).plus(of(c).times(10)), "10*c + data(%labels[n], 0, 9)"],
  ];
  test.each(indexTexts.map(([index, text]) => [text, index] as const))("%s", (text, index) => {
    expect(printIndex(index, scope)).toBe(text);
  });

  test("axes with the same name are told apart in the order in which they are bound", () => {
    const [a, b, named] = [axis("i", 4), axis("i", 4), axis("i_1", 4)];
    const s = newScope();
    for (const x of [a, b, named]) s.bind(x);
    expect(printIndex(of(named).plus(of(b).times(3)).plus(of(a).times(5)), s)).toBe("5*i + 3*i_1 + i_1_1");
  });

  test("an unbound axis is seen", () => {
    expect(printIndex(of(axis("k", 4)).plus(n), scope)).toBe("n + ?k");
  });

  test("print, parse, print is the same text, and the parsed index has the same values", () => {
    const w = world();
    fc.assert(
      fc.property(indices(w), (index) => {
        const text = printIndex(index, printScope(w));
        const parsed = parserOver(text, w).index();
        expect(printIndex(parsed, printScope(w))).toBe(text);
        const everywhere = (i: Index) => [...points(w.axes)].map((at) => evaluate(i, at));
        expect(everywhere(parsed)).toEqual(everywhere(index));
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  test("the text does not depend on the axes' ids", () => {
    const [one, other] = [world(), world([3, 1, 2, 0])];
    const move = new Map(one.axes.map((a, k) => [a, of(other.axes[k])]));
    fc.assert(
      fc.property(indices(one), (index) => {
        expect(printIndex(index.substitute(move), printScope(other))).toBe(printIndex(index, printScope(one)));
      }),
      { numRuns: 500 },
    );
  }, 60_000);
});

describe("a scalar as text", () => {
  const x: Value = { name: "x", type: f32(4) };
  const [i] = [axis("i", 4)];
  const at = (guarded = false, fill = 0, atMost?: number) => {
    const index = Index.of(i).minus(guarded ? 1 : 0);
    const guard = guarded ? [{ kind: "nonNegative" as const, index }] : [];
    if (atMost !== undefined) guard.push({ kind: "nonNegative", index: Index.of(atMost).minus(i) });
    return new Scalar({ kind: "read", tensor: x, index: [index], guard, fill }, "f32");
  };
  const k = (v: number, dtype: "f32" | "i32" | "u32" | "bool" = "f32") => Scalar.constant(v, dtype);
  const scope = newScope();
  scope.bind(i);

  const scalarTexts: [Scalar, string][] = [
    [k(-3.4028234663852886e38), "-3.4028234663852886e38"],
    [k(3), "3.0"],
    [k(0.1), "0.1"],
    [k(-0), "-0.0"],
    [k(1e21), "1e21"],
    [k(1e-5), "1e-5"],
    [k(Infinity), "inf"],
    [k(3, "u32"), "3u"],
    [k(-3, "i32"), "-3"],
    [k(1, "bool"), "true"],
    [at(), "%x[i]"],
    [at(true), "(%x[i - 1] where i - 1 >= 0)"],
    [at(true, -1), "(%x[i - 1] where i - 1 >= 0 else -1.0)"],
    [at(true, 0, 3), "(%x[i - 1] where i - 1 >= 0 and i <= 3)"],
    [at().minus(at().minus(1)), "%x[i] - (%x[i] - 1.0)"],
    [at().minus(at()).minus(1), "%x[i] - %x[i] - 1.0"],
    [at().plus(at().times(2)), "%x[i] + %x[i] * 2.0"],
    [at().plus(1).times(2), "(%x[i] + 1.0) * 2.0"],
    [at().over(at().over(2)), "%x[i] / (%x[i] / 2.0)"],
    [at().minus(-1), "%x[i] - -1.0"],
    [k(3).negated(), "-(3.0)"],
    [k(-3).negated(), "-(-3.0)"],
    [at().negated().negated(), "-(-%x[i])"],
    [at().plus(1).negated().times(at()), "-(%x[i] + 1.0) * %x[i]"],
    [at().times(2).negated(), "-(%x[i] * 2.0)"],
    [at().max(0).min(1).pow(2), "pow(min(max(%x[i], 0.0), 1.0), 2.0)"],
    [at().exp().log().sqrt().abs().floor(), "floor(abs(sqrt(log(exp(%x[i])))))"],
    [at().toI32().toU32().toF32(), "f32(u32(i32(%x[i])))"],
    [
      at()
        .lessThan(1)
        .and(at().atMost(2).or(at().equals(3))),
      "%x[i] < 1.0 and (%x[i] <= 2.0 or %x[i] == 3.0)",
    ],
    [at().lessThan(1).equals(at().lessThan(2)), "(%x[i] < 1.0) == (%x[i] < 2.0)"],
    [at().toU32().shiftRight(8).bitAnd(255).plus(1), "(u32(%x[i]) >> 8u & 255u) + 1u"],
    [Scalar.select(at().lessThan(0), 0, at()), "select(%x[i] < 0.0, 0.0, %x[i])"],
    [Scalar.uniform("lr").times(Scalar.random(2, Index.of(i).times(3))), "uniform(lr) * random(2, 3*i)"],
    [Scalar.index(Index.of(i).plus(1)).toF32(), "f32(index(i + 1))"],
  ];
  test.each(scalarTexts.map(([scalar, text]) => [text, scalar] as const))("%s", (text, scalar) => {
    expect(printScalar(scalar, scope)).toBe(text);
  });

  test("a number that its type cannot hold is not printed as if it could", () => {
    expect(() => printScalar(k(2.5, "i32"), scope)).toThrow("2.5 is no i32");
    expect(() => printScalar(k(2, "bool"), scope)).toThrow("2 is no bool");
  });

  test("print, parse, print is the same text, and the parsed scalar is the same", () => {
    const w = world();
    fc.assert(
      fc.property(scalars(w), (scalar) => {
        const shared = new Sharing().scalar(scalar);
        const text = printScalar(shared, printScope(w));
        const parsed = new Sharing().scalar(parserOver(text, w).scalar());
        expect(printScalar(parsed, printScope(w))).toBe(text);
        expect(shape(parsed)).toEqual(shape(scalar));
      }),
      { numRuns: 1000 },
    );
  }, 60_000);
});

/** A scalar as nested arrays, indices left out (their own test compares values). */
function shape(s: Scalar): unknown {
  const n = s.node;
  switch (n.kind) {
    case "constant":
      return [s.dtype, n.value];
    case "read":
      return [s.dtype, n.tensor, n.fill, n.guard.map((c) => [c.kind, c.kind === "divisible" && c.by])];
    case "unary":
      return [s.dtype, n.op, shape(n.a)];
    case "binary":
      return [s.dtype, n.op, shape(n.a), shape(n.b)];
    case "select":
      return [s.dtype, "select", shape(n.condition), shape(n.a), shape(n.b)];
    case "uniform":
      return [s.dtype, n.name];
    case "local":
      return [s.dtype, n.local];
    case "random":
      return [s.dtype, n.stream];
    case "index":
      return [s.dtype, "index"];
  }
}
