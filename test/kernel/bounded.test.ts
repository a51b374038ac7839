/** Kernels for a device that checks nothing: every access is proved inside, or made so. */
import { expect, test } from "vitest";
import { compileGraph } from "../../compiler/compileGraph.ts";
import { unprovedAccesses } from "../../compiler/ir/kernelChecks/bounds.ts";
import * as K from "../../compiler/ir/kernelExpr.ts";
import { boundAccesses } from "../../compiler/schedule/bounded.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { printKernel } from "../../compiler/text/printKernel.ts";
import { readFile } from "../frontend/read.ts";
import { buffer, int, kernel, load, local, variable } from "./kernels.ts";

const body = (text: string): string => text.slice(text.indexOf("\n\n") + 2);

test("what is proved stays as it is", () => {
  const k = kernel({
    buffers: [buffer("x", 8), buffer("y", 8, { access: "write" })],
    body: [{ kind: "store", buffer: "y", index: local, value: load("x", local, "f32", 1) }],
  });
  expect(boundAccesses(k)).toBe(k);
});

test("what cannot be decided is clamped, or not stored", () => {
  const k = kernel({
    buffers: [buffer("at", 8, { dtype: "i32" }), buffer("x", 5), buffer("y", 6, { access: "write" })],
    body: [
      { kind: "let", name: "j", value: load("at", local, "i32", 1) },
      { kind: "store", buffer: "y", index: variable("j"), value: load("x", variable("j"), "f32", 1) },
    ],
  });
  expect(unprovedAccesses(k).size).toBe(2);
  const bounded = boundAccesses(k);
  expect(unprovedAccesses(bounded).size).toBe(0);
  expect(body(printKernel(bounded))).toBe(`\
  let j: i32 = at[local]
  if 0 <= j and j < 6 {
    y[j] = x[min(max(j, 0), 4)]
  }
}
`);
});

test("what a select chooses between is looked at where it is chosen", () => {
  const inside = K.lessThan(local, int(3));
  const chosen = (other: number) =>
    kernel({
      buffers: [buffer("x", 3), buffer("y", 8, { access: "write" })],
      body: [
        { kind: "store", buffer: "y", index: local, value: load("x", K.select(inside, local, int(other)), "f32", 1) },
      ],
    });
  expect(unprovedAccesses(chosen(0)).size).toBe(0);
  expect(unprovedAccesses(chosen(3)).size).toBe(1);
});

test("registers that name a value for each row are looked through, if they are filled once", () => {
  const rows = (more: boolean) =>
    kernel({
      buffers: [buffer("x", 16), buffer("y", 8, { access: "write" })],
      body: [
        { kind: "registers", name: "base", type: { dtype: "i32", width: 1 }, shape: [2], initial: 0 },
        {
          kind: "for",
          variable: "r",
          from: int(0),
          to: int(2),
          step: 1,
          unroll: true,
          body: [
            {
              kind: "assign",
              register: "base",
              index: [variable("r")],
              value: K.add(K.multiply(local, 2), variable("r")),
            },
          ],
        },
        ...(more
          ? [{ kind: "assign", register: "base", index: [int(0)], value: load("x", int(0), "i32", 1) } as const]
          : []),
        { kind: "store", buffer: "y", index: local, value: load("x", K.register("base", [int(1)], "i32"), "f32", 1) },
      ],
    });
  expect(unprovedAccesses(rows(false)).size).toBe(0);
  expect(unprovedAccesses(rows(true)).size).toBe(1);
});

test.each(["direct", "auto"] as const)("every access of LeNet's and AlexNet's kernels is proved, %s", (algorithm) => {
  for (const name of ["lenet", "alexnet"]) {
    const { model } = compileGraph(readFile(`models/${name}.ts`, { batch: 4 }), {
      target: loadTarget("wasm"),
      algorithm,
    });
    const kernels = Object.values(model.entries).flatMap((entry) => entry.problem.kernels);
    expect(kernels.length).toBeGreaterThan(50);
    for (const k of kernels) expect(unprovedAccesses(k).size, k.name).toBe(0);
  }
});
