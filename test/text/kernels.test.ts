/** The text of kernels by themselves; test/text/models.test.ts reads back those of whole models. */
import { expect, test } from "vitest";
import type { Kernel } from "../../compiler/ir/kernel.ts";
import type { KernelProgram } from "../../compiler/ir/kernelProgram.ts";
import { parse } from "../../compiler/text/parse.ts";
import { print } from "../../compiler/text/print.ts";
import { tileKernel } from "../kernel/kernels.ts";

/** Kernels as a program that has nothing around them. */
const around = (kernels: readonly Kernel[], target = "portable"): KernelProgram => ({
  stage: "kernels",
  name: "some",
  mode: "train",
  image: { channels: 1, height: 1, width: 1, mean: [0], std: [1] },
  target,
  inputs: [],
  states: [],
  kernels,
  layouts: new Map(),
  outputs: [],
  updates: [],
});

const parseKernels = (text: string): KernelProgram => parse(text) as KernelProgram;

test("other spacing and comments say the same", () => {
  const text = print(around([tileKernel(8, 8, 8)]));
  const loose = text
    .split("\n")
    .map((line) => `   ${line.replace(/ /g, "  ")} // as it was`)
    .join("\n");
  expect(print(parseKernels(loose))).toBe(text);
});

const head = `kernels some train
image [1, 1, 1] mean [0] std [1]
target portable

`;
const withBody = (body: string) => `${head}kernel k workgroups [1, 1, 1] size 1 {
  schedule map
  operations 1
  buffer x: f32[4] read of %x: f32[4]
  buffer y: f32x4[1] write of %y: f32[4]

${body}
}
`;

test.each([
  ["  let a: f32 = b", "11:16: nothing here is called b"],
  ["  let a: f32x4 = x[0]", "11:7: expected a value of type f32x4, this is f32"],
  ["  x = 1.0", "11:3: x cannot be assigned to"],
  ["  y[0] = splat(x[0]", "12:1: expected ',', found '}'"],
  ["  y[0] = spread(x[0])", "11:10: there is no function spread"],
  ["  y[0] = fma(x[0], x[1])", "11:10: fma takes 3 operands, 2 are given"],
  ["  let x: f32 = 1.0", "11:7: x has a meaning already"],
  ["  let a: f64 = 1.0", "11:10: expected a type such as f32 or f32x4, found 'f64'"],
  ["  for i in 0..4 {", "13:1: expected a statement or '}', found the end of the text"],
  ["  let a: bool = 1 < 2 < 3", "11:23: comparisons do not chain: put brackets around one"],
  ["  let a: f32 = x[0].v", "11:21: expected x, y, z or w, found 'v'"],
])("%s", (body, message) => {
  expect(() => parseKernels(withBody(body))).toThrow(message);
});
