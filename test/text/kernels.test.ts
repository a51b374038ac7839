/** The text of kernels reads back as the kernels: to the same text, the same WGSL, the same WebAssembly. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compileGraph } from "../../compiler/compileGraph.ts";
import type { Kernel } from "../../compiler/ir/kernel.ts";
import { verifyKernel } from "../../compiler/ir/verifyKernel.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { parseKernels } from "../../compiler/text/parseKernel.ts";
import { printKernels } from "../../compiler/text/printKernel.ts";
import { printWat } from "../../compiler/wasm/print.ts";
import { printWgsl } from "../../compiler/wgsl/print.ts";
import { readFile } from "../frontend/read.ts";
import { tileKernel } from "../kernel/kernels.ts";

const kernelsOf = (model: string, target: string): Kernel[] => {
  const { model: compiled } = compileGraph(readFile(`models/${model}.ts`, { batch: 4 }), {
    target: loadTarget(target),
    velocity: true,
  });
  return [...Object.values(compiled.entries), compiled.pictures].flatMap((entry) => entry.problem.kernels);
};

test.each(
  ["lenet", "alexnet", "resnet18"].flatMap((model) =>
    ["portable", "lavapipe", "wasm"].map((target) => [model, target] as const),
  ),
)("%s for %s", { timeout: 60_000 }, (model, target) => {
  const kernels = kernelsOf(model, target);
  const byName = new Map(kernels.map((k) => [k.name, k])); // entry points have kernels of one name, alike or not
  const different = [...byName.values()];
  const text = printKernels(different);
  const parsed = parseKernels(text);
  expect(printKernels(parsed)).toBe(text);
  const print = target === "wasm" ? printWat : printWgsl;
  for (const [i, kernel] of parsed.entries()) expect(print(kernel).text).toBe(print(different[i]).text);
});

test("other spacing and comments say the same", () => {
  const text = printKernels([tileKernel(8, 8, 8)]);
  const loose = text
    .split("\n")
    .map((line) => `   ${line.replace(/ /g, "  ")} // as it was`)
    .join("\n");
  expect(printKernels(parseKernels(loose))).toBe(text);
});

test("what is read is verified as what was written", () => {
  for (const kernel of parseKernels(printKernels(kernelsOf("lenet", "wasm").slice(0, 10))))
    expect(verifyKernel(kernel, loadTarget("wasm"), { strict: true, strictLoads: true })).toEqual([]);
});

const around = (body: string) => `kernel k workgroups [1, 1, 1] size 1 {
  schedule map
  operations 1
  buffer x: f32[4] read of %x: f32[4]
  buffer y: f32x4[1] write of %y: f32[4]

${body}
}
`;

test.each([
  ["  let a: f32 = b", "7:16: nothing here is called b"],
  ["  let a: f32x4 = x[0]", "7:7: expected a value of type f32x4, this is f32"],
  ["  x = 1.0", "7:3: x cannot be assigned to"],
  ["  y[0] = splat(x[0]", "8:1: expected ',', found '}'"],
  ["  y[0] = spread(x[0])", "7:10: there is no function spread"],
  ["  y[0] = fma(x[0], x[1])", "7:10: fma takes 3 operands, 2 are given"],
  ["  let x: f32 = 1.0", "7:7: x has a meaning already"],
  ["  let a: f64 = 1.0", "7:10: expected a type such as f32 or f32x4, found 'f64'"],
  ["  for i in 0..4 {", "9:1: expected a statement or '}', found the end of the text"],
  ["  let a: bool = 1 < 2 < 3", "7:23: comparisons do not chain: put brackets around one"],
  ["  let a: f32 = x[0].v", "7:21: expected x, y, z or w, found 'v'"],
])("%s", (body, message) => {
  expect(() => parseKernels(around(body))).toThrow(message);
});

test("the example of docs/ir.md is as printed", () => {
  const page = readFileSync(new URL("../../docs/ir.md", import.meta.url), "utf8");
  const [, example] = /^```\n(kernel .*?)^```$/ms.exec(page)!;
  expect(printKernels(parseKernels(example))).toBe(example);
});
