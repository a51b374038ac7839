/** The static subset: what a model file may say, and what it comes to. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { kilnExports } from "../../compiler/frontend/modelCall.ts";
import { body, channels, graphOf, outputShape, readText, root } from "./read.ts";

/** Channels of the convolutions that `c(n)` adds. */
const evaluates = (statements: string, before = "", files: Record<string, string> = {}) => {
  const helper = "const c = (x: Tensor, channels: number) => conv2d(x, { channels, kernel: 1 });";
  return channels(graphOf(readText(body(`${statements}\nreturn x;`, `${helper}\n${before}`), {}, files)));
};

describe("expressions", () => {
  it.each([
    ["7 % 4 + 2 ** 3 - 6 / 2", 8],
    ["Math.max(Math.floor(2.7), Math.ceil(2.1), Math.round(2.4), Math.min(9, 1))", 3],
    ["(1 < 2 && 3 >= 3) || false ? 5 : 6", 5],
    ["true && 4", 4],
    ["(undefined ?? null ?? 9) as number", 9],
    ["!false ? +3 : -3", 3],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a model file's
    ['"abc".length + `x${1}y`.length', 6],
    ["[1, ...[2, 3], 4].length", 4],
    ["[[1, 2], [3, 4]][1][0]", 3],
    ["({ a: { b: 12 } }).a.b", 12],
    ['({ ["k" + 1]: 2 }).k1', 2],
    ["({ ...{ a: 1, b: 2 }, b: 7 }).b", 7],
    ["(<number>5)", 5],
    ["(5 satisfies number)!", 5],
    ["((a: number, b = a * 2, ...rest: number[]) => a + b + rest.length)(1)", 3],
    ["((a: number, b = a * 2, ...rest: number[]) => a + b + rest.length)(1, 1, 1, 1)", 4],
    ["(function f(n: number): number { return n <= 1 ? 1 : n * f(n - 1); })(4)", 24],
    ["1e3 / 0x10 * 0.064", 4],
    ["'3' === '3' && 1 !== (2 as number) ? 1 : 2", 1],
    ["'a' < 'b' ? 1 : 2", 1],
  ])("%s", (expression, value) => {
    expect(evaluates(`x = c(x, ${expression});`)).toEqual([value]);
  });
});

describe("statements", () => {
  it.each([
    ["for (const n of [1, 2, 3]) x = c(x, n);", [1, 2, 3]],
    [
      "for (const [n, { k = 5, ...rest }] of [[1, { k: 2 }], [3, {}]] as any) { x = c(x, n); x = c(x, k); }",
      [1, 2, 3, 5],
    ],
    ["for (let i = 1; i <= 4; i += 2) { x = c(x, i); }", [1, 3]],
    ["for (let i = 3, j = 1; i > 0; i--, j) x = c(x, i);", undefined],
    ["let i = 1; for (; i < 3; ++i) x = c(x, i); x = c(x, i);", [1, 2, 3]],
    ["if (1 > 2) x = c(x, 1); else if (2 > 1) { x = c(x, 2); } else x = c(x, 3);", [2]],
    ["let [a, b = 6, ...rest] = [5]; [a, b] = [b, a]; x = c(x, a); x = c(x, b); x = c(x, rest.length + 1);", [6, 5, 1]],
    ["let n = 2; n *= 3; n -= 1; n **= 2; n ||= 4; n &&= 8; x = c(x, n++); x = c(x, n);", [8, 9]],
    ["let n = 1; { let n = 2; x = c(x, n); } x = c(x, n);", [2, 1]],
    ["x = late(x); function late(x: Tensor) { return c(x, 3); }", [3]],
    ["const makers: any[] = []; const f = (n: number) => (x: Tensor) => c(x, n); x = f(4)(x);", [4]],
    ["const stages = { stem: (x: Tensor) => c(x, 6) }; x = stages.stem(x);", [6]],
    ["let skip: Tensor | undefined; if (skip) x = add(x, skip); skip = x; if (skip !== undefined) x = c(x, 2);", [2]],
    [
      "const names = ['a', 'b'] as const; for (const name of names) x = conv2d(x, { channels: 1, kernel: 1, name });",
      [1, 1],
    ],
    [
      "const f = (x: Tensor, ...ns: number[]) => { for (const n of ns) x = c(x, n); return x; }; x = f(x, ...[1, 2]);",
      [1, 2],
    ],
    [
      "const f = (x: Tensor) => { for (const n of [1, 2, 3]) { if (n === 2) return c(x, n); } return x; }; x = f(x);",
      [2],
    ],
    ["type Size = number; interface Stage { size: Size } const s: Stage = { size: 3 }; x = c(x, s.size);", [3]],
    ["const channels = 5; x = conv2d(x, { channels, kernel: [1, 1], stride: undefined });", [5]],
  ])("%s", (statements, expected) => {
    if (expected) expect(evaluates(statements)).toEqual(expected);
    else expect(readText(body(`${statements}\nreturn x;`)).diagnostics.map((d) => d.code)).toContain("KILN1002");
  });

  it("keeps the loop's variable for functions made in the loop", () => {
    const statements =
      "let last: any; for (let i = 1; i < 3; i++) { if (i === 1) last = (x: Tensor) => c(x, i); } x = last(x);";
    expect(evaluates(statements)).toEqual([1]);
  });
});

describe("files", () => {
  const block = `import { conv2d, type Tensor } from "kiln";
    export const width = 3;
    export default (x: Tensor) => conv2d(x, { channels: 7, kernel: 1 });
    const inner = (x: Tensor, channels: number) => conv2d(x, { channels, kernel: 1 });
    export { inner as block };
    export type Size = number;`;

  it.each([
    ['import { block, width as w, type Size } from "./block";', "x = block(x, w);", [3]],
    ['import { block } from "./block.ts";', "x = block(x, 2);", [2]],
    ['import convolve, { width } from "./block";', "x = convolve(x); x = c(x, width);", [7, 3]],
    ['import * as parts from "./block";', "x = parts.block(x, parts.width);", [3]],
    ['import { again } from "./more/index";', "x = again(x, 4);", [4]],
  ])("%s", (imports, statements, expected) => {
    const files = {
      "block.ts": block,
      "more/index.ts": 'export { block as again } from "../block";',
    };
    const text = body(
      `${statements}\nreturn x;`,
      "const c = (x: Tensor, channels: number) => conv2d(x, { channels, kernel: 1 });",
    );
    expect(channels(graphOf(readText(`${imports}\n${text}`, {}, files)))).toEqual(expected);
  });

  it("takes all of kiln as one name", () => {
    const text =
      'import * as kiln from "kiln"; export default kiln.model({ input: kiln.image(1, 4, 4) }, (x) => kiln.relu(x));';
    expect(outputShape(graphOf(readText(text, { batch: 2 })))).toEqual([2, 1, 4, 4]);
  });

  it("names the files that a graph was made of", () => {
    const result = readText(body("return block(x, 1);", 'import { block } from "./block";'), {}, { "block.ts": block });
    expect([...result.files.keys()]).toEqual(["model.ts", "block.ts"]);
  });

  it("exports what the declarations for editors declare", () => {
    const declarations = readFileSync(`${root}compiler/dsl/index.ts`, "utf8");
    const names = (pattern: RegExp) => [...declarations.matchAll(pattern)].map((m) => m[1]).sort();
    const { values, types } = kilnExports([]);
    expect([...values.keys()].sort()).toEqual(names(/^export (?:const|function) (\w+)/gm));
    expect([...types].sort()).toEqual(names(/^export (?:type|interface) (\w+)/gm));
  });
});
