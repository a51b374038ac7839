import { describe, expect, test } from "vitest";
import { TextError } from "../../compiler/text/lexer.ts";
import { parse } from "../../compiler/text/parse.ts";

/** The place of `^`, which is then taken out; the problem. */
function problemOf(text: string): { message: string; expectedAt: string } {
  const before = text.slice(0, text.indexOf("^")).split("\n");
  const expectedAt = `${before.length}:${before[before.length - 1].length + 1}: `;
  try {
    parse(text.replace("^", ""));
  } catch (error) {
    if (error instanceof TextError) return { message: error.message, expectedAt };
    throw error;
  }
  throw new Error("it parses");
}

const image = "image [1, 2, 2] mean [0] std [1]";
const graph = (body: string) => `graph m infer ${image}\ninput %x: f32[4]\n${body}`;
const expr = (body: string) =>
  `expr m infer ${image}\ninput %x: f32[4]\nlabels %l: i32[4]\ninput %s: f32[]\n%y[i]: f32[4] = ${body}`;
const fused = (body: string) => `fused m infer ${image}\ninput %x: f32[4]\ngroup g over (i<4) {\n${body}`;

/** `^` stands before the token that the error points at. */
const cases: [problem: string, text: string][] = [
  // Words and characters
  ["expected one of graph, joint, expr, fused, kernels, plan, found 'grph'", "^grph m train"],
  ["expected one of graph, joint, expr, fused, kernels, plan, found the end of the text", "^"],
  ["expected one of train, infer, found 'image'", `graph m ^${image}`],
  ['unexpected character "#"', graph("^# a comment")],
  ['unexpected character "é"', graph("%y: f32[4] = ^élu(x: %x)")],
  ["a string that does not end on its line", graph('output ^"a = %x')],
  ["expected a number such as 12, 0.5, 3u or 1e-5, found 1.2.3]", "graph m infer image [^1.2.3] mean [0] std [1]"],
  ["expected a place such as @ models/alexnet.ts:5:7, found @", graph("%y: f32[4] = relu(x: %x) ^@ here")],
  // Header
  ["expected [channels, height, width]", "graph m infer image ^[1, 2] mean [0] std [1]"],
  ["expected 3 numbers, one a channel", "graph m infer image [3, 2, 2] mean ^[0] std [1, 1, 1]"],
  ["expected a positive integer, found 0", "graph m infer image [^0, 2, 2] mean [0] std [1]"],
  ["expected 'std', found 'input'", "graph m infer image [1, 2, 2] mean [0] ^input"],
  ["expected one of f32, i32, u32, found 'f64'", graph("parameter %w: ^f64[4] = xavier")],
  ["expected one of xavier, constant, found 'zeros'", graph("parameter %w: f32[4] = ^zeros")],
  ["expected a number, found 'x'", graph("parameter %w: f32[4] = constant ^x")],
  // Values
  ["%z is not defined above", graph("%y: f32[4] = relu(x: ^%z)")],
  ["%y is not defined above", graph("%y: f32[4] = relu(x: ^%y)")],
  ["%x is defined twice, first at 2:7", graph("^%x: f32[4] = relu(x: %x)")],
  ["%z is not defined above", graph("output output = ^%z")],
  ["%z is not defined above", graph("update %x <- ^%z")],
  ["expected '<', found '='", graph("update %x ^= %x")],
  // Nodes
  ["expected a node, an input, a state, 'output' or 'update', found 'relu'", graph("^relu(x: %x)")],
  ["expected '(', found '%x'", graph("%y: f32[4] = relu ^%x")],
  ["expected ',' or ')', found '%x'", graph("%y: f32[4] = add(a: %x ^%x)")],
  ["an input x is given twice", graph("%y: f32[4] = add(x: %x, ^x: %x)")],
  ["an option k is given twice", graph("%y: f32[4] = f(x: %x) { k: 1, ^k: 2 }")],
  ["the op's output y is there twice; name it: %z: ... as NAME", graph("%y: f32[4], %z: f32[4] ^= f(x: %x)")],
  [
    "expected a number, true, false, a string or a list of numbers, found 'yes'",
    graph("%y: f32[4] = f(x: %x) { k: ^yes }"),
  ],
  ["expected ':', found 'f32'", graph("%y ^f32[4] = f(x: %x)")],
  ["expected ',' or ']', found '='", graph("%y: f32[4 ^= f(x: %x)")],
  // Indices
  ["no axis here is called 'j'; there are i", expr("%x[^j] from f")],
  ["no axis here is called 'p'; there are i", expr("sum over (p<3) of %x[i] from f %z[i]: f32[4] = %x[^p] from f")],
  ["one factor of an index must be a constant", expr("%x[i ^* i] from f")],
  ["expected a positive integer, found 0", expr("%x[i / ^0] from f")],
  ["expected a positive integer, found 'i'", expr("%x[i % ^i] from f")],
  ["clamp from 3 to 1 holds no number", expr("%x[^clamp(i, 3, 1)] from f")],
  ["expected an integer, found 1.5", expr("%x[^1.5] from f")],
  ["expected an index: an axis, an integer, '(', clamp or data, found ']'", expr("%x[i + ^]] from f")],
  // Scalars
  ["%x has 1 dimensions and is read with 2 indices", expr("^%x[i, i] from f")],
  ["expected '[', found 'from'", expr("%x ^from f")],
  ["no local here is called 'i'; an axis stands as index(i)", expr("^i from f")],
  ["expected an expression, found ')'", expr("(%x[i] + ^) from f")],
  [
    "expected an operator, or 'from' and the op that this comes from, found 'output'",
    `${expr("%x[i]")} ^output output = %y`,
  ],
  ["expected an operator, 'where' or ')', found ']'", expr("(%x[i] ^] from f")],
  ["only a read takes conditions: (%x[...] where ...)", expr("^(%x[i] + 1.0 where i >= 0) from f")],
  ["expected '>=' or '<=', found '<'", expr("(%x[i] where i ^< 4) from f")],
  ["%l is of i32, this number is of f32", expr("f32((%l[i] where i >= 0 else ^1.0)) from f")],
  ["comparisons do not chain: put brackets around one", expr("select(0.0 < 1.0 ^< 2.0, 0.0, 1.0) from f")],
  [
    "there is no function sin; there are exp, log, sqrt, abs, floor, f32, i32, u32, max, min, pow, select, index, uniform, random, table",
    expr("^sin(%x[i]) from f"),
  ],
  ["expected ',', found ')'", expr("max(%x[i]^) from f")],
  [
    "expected one of seed, step, lr, momentum, weightDecay, pictureHeight, pictureWidth, found 'rate'",
    expr("uniform(^rate) from f"),
  ],
  ["t has a meaning already", expr("let t = 1.0 in let ^t = 2.0 in t from f")],
  ["a let cannot be called inf", expr("let ^inf = 1.0 in %x[i] from f")],
  ["no local here is called 't'; an axis stands as index(t)", expr("let t = ^t in t from f")],
  ["expected 'in', found 'from'", expr("let t = 1.0 ^from f")],
  // Definitions
  ["%z needs the axes of %a", expr("%x[i] from f %a[i]: f32[4], ^%z[j]: u32[4] = firstMax over (p<3) of %x[p] from f")],
  ["%a has 1 dimensions and 2 axes", expr("%x[i] from f ^%a[i, j]: f32[4] = %x[i] from f")],
  [
    "firstMax has two results, the maximum and its position, not 1",
    expr("%x[i] from f ^%a[i]: f32[4] = firstMax over (p<3) of %x[p] from f"),
  ],
  [
    "a definition without a reduction has one result, not 2",
    expr("%x[i] from f ^%a[i]: f32[4], %b[i]: f32[4] = %x[i] from f"),
  ],
  ["the axis i is bound twice", expr("sum over (^i<3) of %x[i] from f")],
  ["the axis p needs its extent: p<4", expr("sum over (^p) of %x[i] from f")],
  ["expected 'of', found '%x'", expr("sum over (p<3) ^%x[i] from f")],
  [
    "there is no function sum; there are exp, log, sqrt, abs, floor, f32, i32, u32, max, min, pow, select, index, uniform, random, table",
    expr("^sum(p<3) of %x[i] from f"),
  ],
  // Groups
  ["no local here is called 'a'; an axis stands as index(a)", fused("a: f32 = sum over (p<3) of ^a }")],
  ["the local a is there twice", fused("a: f32 = sum over (p<3) of 1.0 ^a: f32 = max over (p<3) of 1.0 }")],
  ["a local cannot be called nan", fused("^nan: f32 = sum over (p<3) of 1.0 }")],
  ["no axis here is called 'p'; there are i", fused("a: f32 = sum over (p<3) of 1.0 store %y[^p]: f32[4] = a }")],
  ["expected a local, 'store', 'over' or '}', found '%y'", fused("^%y[i]: f32[4] = 1.0 }")],
  ["%y has 2 dimensions and is stored with 1 indices", fused("store ^%y[i]: f32[4,4] = 1.0 }")],
  ["expected each of 2 dimensions once, such as [0, 1]", fused("store %y[i, i]: f32[4,4] layout ^[0, 0] = 1.0 }")],
  [
    "expected each of 4 dimensions once, such as nhwc or [0, 2, 3, 1]",
    fused("store %y[i, 0, 0, 0]: f32[4,1,1,1] layout ^nhwx = 1.0 }"),
  ],
  ["expected one of sum, max, firstMax, found 'min'", fused("a: f32 = ^min over (p<3) of 1.0 }")],
  ["expected a local, 'store', 'over' or '}', found the end of the text", `${fused("store %y[i]: f32[4] = 1.0")}\n^`],
];

describe("text that is wrong", () => {
  test.each(cases)("%s", (problem, text) => {
    const { message, expectedAt } = problemOf(text);
    expect(message).toBe(expectedAt + problem);
  });

  test("the error has its parts", () => {
    const error = (() => {
      try {
        parse("graph m\n  test");
      } catch (e) {
        return e as TextError;
      }
    })();
    expect(error).toMatchObject({ name: "TextError", line: 2, column: 3 });
    expect(error?.problem).toBe("expected one of train, infer, found 'test'");
  });
});
