/** Every op at random shapes: its value against plain loops, its gradients against central differences. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OptionValue } from "../../compiler/ir/graph.ts";
import type { Value } from "../../compiler/ir/types.ts";
import type { Example } from "../../compiler/ops/example.ts";
import { ops } from "../../compiler/ops/registry.ts";
import { naive } from "./naive.ts";
import { bindingsFor, draws, gradientError, opGraph, prepare, relativeError } from "./support.ts";

interface Case {
  readonly inputs: Example["inputs"];
  readonly options: Record<string, OptionValue>;
}

const small = (low: number, high: number) => fc.integer({ min: low, max: high });
const image = fc.tuple(small(1, 3), small(1, 6), small(1, 8), small(1, 8));
const matrix = fc.tuple(small(1, 4), small(1, 9));
const any = fc.oneof(image, matrix);
const x = (shape: fc.Arbitrary<number[]>): fc.Arbitrary<Case> => shape.map((s) => ({ inputs: { x: s }, options: {} }));

/** Kernel, stride and padding of a window, and an image into which it fits. */
const windowed = fc
  .record({
    kernel: fc.tuple(small(1, 4), small(1, 4)),
    stride: fc.tuple(small(1, 3), small(1, 3)),
    room: fc.tuple(small(0, 5), small(0, 5)),
    batch: small(1, 2),
    channels: small(1, 3),
  })
  .chain(({ kernel, stride, room, batch, channels }) =>
    fc.tuple(small(0, kernel[0] - 1), small(0, kernel[1] - 1)).map((padding) => ({
      inputs: {
        x: [batch, channels, ...kernel.map((k, d) => Math.max(k - 2 * padding[d], 1) + room[d])],
      },
      options: { kernel, stride, padding },
    })),
  );

const cases: Record<string, fc.Arbitrary<Case>> = {
  conv2d: fc
    .record({
      kernel: fc.tuple(small(1, 3), small(1, 3)),
      stride: fc.tuple(small(1, 3), small(1, 3)),
      padding: fc.tuple(small(0, 2), small(0, 2)),
      dilation: fc.tuple(small(1, 2), small(1, 2)),
      groups: small(1, 3),
      inputs: small(1, 2),
      outputs: small(1, 2),
      room: fc.tuple(small(0, 4), small(0, 4)),
      batch: small(1, 2),
    })
    .map(({ kernel, stride, padding, dilation, groups, inputs, outputs, room, batch }) => {
      const size = kernel.map((k, d) => Math.max(dilation[d] * (k - 1) + 1 - 2 * padding[d], 1) + room[d]);
      return {
        inputs: { x: [batch, groups * inputs, ...size] },
        options: { channels: groups * outputs, kernel, stride, padding, dilation, groups },
      };
    }),
  dense: fc.tuple(matrix, small(1, 6)).map(([s, units]) => ({ inputs: { x: s }, options: { units } })),
  maxPool2d: windowed,
  avgPool2d: windowed,
  globalAvgPool2d: x(image),
  relu: x(any),
  add: any.map((s) => ({ inputs: { a: s, b: s }, options: {} })),
  flatten: x(any),
  concat: fc
    .record({ shape: any, axis: small(0, 3), extents: fc.array(small(1, 3), { minLength: 1, maxLength: 4 }) })
    .map(({ shape, axis: wished, extents }) => {
      const axis = wished % shape.length;
      return {
        inputs: { tensors: extents.map((e) => shape.map((s, d) => (d === axis ? e : s))) },
        options: { axis },
      };
    }),
  split: fc
    .record({ shape: any, axis: small(0, 3), sections: small(1, 4) })
    .map(({ shape, axis: wished, sections }) => {
      const axis = wished % shape.length;
      return {
        inputs: { x: shape.map((s, d) => (d === axis ? s * sections : s)) },
        options: { sections, axis },
      };
    }),
  batchNorm: fc
    .tuple(
      fc.oneof(fc.tuple(small(2, 4), small(1, 5)), fc.tuple(small(2, 3), small(1, 4), small(1, 4), small(1, 4))),
      fc.constantFrom(1e-5, 1e-3, 0.1),
    )
    .map(([s, epsilon]) => ({ inputs: { x: s }, options: { epsilon: Math.max(epsilon, 1e-2) } })),
  localResponseNorm: fc
    .tuple(image, small(1, 6), fc.constantFrom(1e-4, 0.5, 1), fc.constantFrom(0.5, 0.75, 1.2), fc.constantFrom(1, 2))
    .map(([s, size, alpha, beta, k]) => ({ inputs: { x: s }, options: { size, alpha, beta, k } })),
  resize: fc
    .tuple(image, small(1, 17), small(1, 17))
    .map(([s, height, width]) => ({ inputs: { x: s }, options: { height, width } })),
  softmax: fc.tuple(any, small(0, 3)).map(([s, axis]) => ({ inputs: { x: s }, options: { axis: axis % s.length } })),
  dropout: fc
    .tuple(any, fc.constantFrom(0, 0.3, 0.5, 0.9))
    .map(([s, rate]) => ({ inputs: { x: s }, options: { rate } })),
};

/** Each takes about a second; machines may be busy. */
const timeout = 60_000;

/** The same cases in every run; fast-check still shrinks what fails. */
const settings = { seed: 20240229, numRuns: 40 };

test("every op that a model file can call has a property here", () => {
  const called = [...ops.values()].filter((d) => !d.inner).map((d) => d.name);
  expect(Object.keys(cases).sort()).toEqual(called.sort());
});

describe.each(Object.keys(cases))("%s", (op) => {
  const property = (f: (c: Case, seed: number) => void) => fc.assert(fc.property(cases[op], fc.nat(), f), settings);

  // Dropout's value is held against the generator in dropout.test.ts.
  if (op !== "dropout")
    test("computes what plain loops compute", { timeout }, () => {
      property(({ inputs, options }, seed) => {
        const graph = opGraph(op, inputs, options, "alone");
        const bindings = bindingsFor(graph, draws(seed));
        const { run, output } = prepare(graph);
        const plain = (v: Value) => ({ shape: v.type.shape, data: bindings.get(v)! });
        const [node] = graph.nodes;
        const given = Object.fromEntries(
          Object.entries(node.inputs).map(([name, v]) => [name, Array.isArray(v) ? v.map(plain) : plain(v as Value)]),
        );
        const expected = naive[op](given, options);
        expect(graph.outputs[0].value.type.shape).toEqual(expected.shape);
        expect(relativeError(output(run(bindings), "output"), expected.data)).toBeLessThan(1e-12);
      });
    });

  test("has the gradient of its value, in the middle of a graph", { timeout }, () => {
    property(({ inputs, options }, seed) => {
      expect(gradientError(opGraph(op, inputs, options, "middle"), seed)).toBeLessThan(1e-7);
    });
  });
});
