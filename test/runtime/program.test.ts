import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatBytes, KilnError } from "../../runtime/program/error.ts";
import { initialValues, xavierScale } from "../../runtime/program/initialize.ts";
import { elementCount, toLogical, toPhysical } from "../../runtime/program/layout.ts";
import { parseProgram, parseProgramText } from "../../runtime/program/parse.ts";
import { tiny } from "./tinyArtifact.ts";

describe("layout", () => {
  test("NCHW to NHWC", () => {
    const values = Float32Array.from({ length: 12 }, (_, i) => i); // [1, 3, 2, 2]
    const physical = [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11];
    expect([...toPhysical(values, [1, 3, 2, 2], [0, 2, 3, 1])]).toEqual(physical);
    expect([...toLogical(Float32Array.from(physical), [1, 3, 2, 2], [0, 2, 3, 1])]).toEqual([...values]);
  });

  test("element (i, j, ...) lies where its permuted index says, and comes back", () => {
    const cases = fc
      .integer({ min: 0, max: 5 })
      .chain((rank) =>
        fc.tuple(
          fc.array(fc.integer({ min: 1, max: 4 }), { minLength: rank, maxLength: rank }),
          fc.shuffledSubarray([...Array(rank).keys()], { minLength: rank, maxLength: rank }),
        ),
      );
    fc.assert(
      fc.property(cases, ([shape, layout]) => {
        const values = Int32Array.from({ length: elementCount(shape) }, (_, i) => i);
        const physical = toPhysical(values, shape, layout);
        values.forEach((value, flat) => {
          const index = new Array<number>(shape.length);
          for (let d = shape.length - 1, rest = flat; d >= 0; d--) {
            index[d] = rest % shape[d];
            rest = Math.floor(rest / shape[d]);
          }
          const at = layout.reduce((sum, d) => sum * shape[d] + index[d], 0);
          expect(physical[at]).toBe(value);
        });
        expect(toLogical(physical, shape, layout)).toEqual(values);
      }),
    );
  });
});

describe("initial values", () => {
  const xavier = (shape: number[]) => ({ name: "w", shape, initializer: { kind: "xavier" } }) as const;

  test("xavier: MXNet's fans, magnitude 2.24", () => {
    // fanIn = 3 * 11 * 11 = 363, fanOut = 96 * 121 = 11616
    expect(xavierScale([96, 3, 11, 11])).toBeCloseTo(Math.sqrt(2.24 / ((363 + 11616) / 2)), 12);
    expect(xavierScale([10, 4096])).toBeCloseTo(Math.sqrt(2.24 / ((4096 + 10) / 2)), 12);
  });

  test("xavier: uniform between both bounds, by seed and ordinal", () => {
    const values = initialValues(xavier([100, 200]), 1, 0);
    const scale = xavierScale([100, 200]);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + b * b, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(scale * 0.02);
    expect(variance / (scale ** 2 / 3)).toBeCloseTo(1, 1);
    expect(Math.max(...values)).toBeLessThan(scale);
    expect(Math.max(...values)).toBeGreaterThan(scale * 0.999);
    expect(Math.min(...values)).toBeLessThan(-scale * 0.999);
    expect(initialValues(xavier([100, 200]), 1, 0)).toEqual(values);
    expect(initialValues(xavier([100, 200]), 1, 1)).not.toEqual(values);
    expect(initialValues(xavier([100, 200]), 2, 0)).not.toEqual(values);
  });

  test("constants, and shapes that xavier has no fans for", () => {
    const bias = { name: "b", shape: [3], initializer: { kind: "constant", value: 0.5 } } as const;
    expect(initialValues(bias, 1, 0)).toEqual(new Float32Array([0.5, 0.5, 0.5]));
    expect(() => initialValues(xavier([3]), 1, 0)).toThrow("xavier needs a shape of two dimensions or more, not [3]");
  });
});

describe("program.json", () => {
  const broken = (change: (program: any) => void) => {
    const program = JSON.parse(JSON.stringify(tiny.program));
    change(program);
    return () => parseProgram(program);
  };

  /** Puts a copy of the input into a texture before the first dispatch, and gives the copy. */
  const addTexture = (p: any, change = {}) => {
    const x = p.entries.step.buffers.find((b: any) => b.name === "x");
    const texture = { name: "x.texture", shape: x.shape, layout: x.layout, gpuTexture: 0, size: 192, start: 0, end: 1 };
    const copy = { copy: { kind: "buffer", name: "x" }, texture: texture.name };
    p.entries.step.gpuTextures = [{ width: 12, height: 1 }];
    p.entries.step.textures = [{ ...texture, ...change }];
    p.entries.step.dispatches.unshift(copy);
    return copy as any;
  };

  test("a copy into a texture is as good", () => {
    const json = JSON.parse(JSON.stringify(tiny.program));
    addTexture(json);
    expect(parseProgram(json)).toBe(json);
  });

  test("a good one comes back as it is", () => {
    const json = JSON.parse(JSON.stringify(tiny.program));
    expect(parseProgram(json)).toBe(json);
    expect(parseProgramText(JSON.stringify(json))).toEqual(tiny.program);
  });

  test.each<[string, (program: any) => void, string]>([
    ["another format", (p) => (p.format = 2), "format 2; this Kiln reads format 1. Compile the model again."],
    ["a missing field", (p) => delete p.model.batch, "model.batch: expected an integer above 0, found nothing"],
    ["a wrong type", (p) => (p.compiler = 3), "compiler: expected a string, found 3"],
    ["a wrong choice", (p) => (p.model.mode = "test"), 'model.mode: expected "train" or "infer", found "test"'],
    [
      "a limit",
      (p) => (p.target.limits.maxBufferSize = "1"),
      "target.limits.maxBufferSize: expected an integer above 0",
    ],
    ["an initializer", (p) => (p.state[0].initializer.kind = "he"), "state[0].initializer.kind: expected"],
    ["a name used twice", (p) => (p.state[1].name = p.state[0].name), "state[1].name: expected a name used once"],
    [
      "a layout",
      (p) => (p.state[0].layout = [0, 0]),
      "state[0].layout: expected an order of the dimensions 0..1, found [0,0]",
    ],
    ["an entry", (p) => (p.entries.stop = p.entries.step), "entries.stop: expected one of step, forward"],
    [
      "an offset",
      (p) => (p.entries.step.buffers[2].offset = 100),
      "entries.step.buffers[2].offset: expected a multiple of 256",
    ],
    [
      "a buffer over the edge of an arena",
      (p) => (p.entries.step.buffers[1].size = 512),
      "entries.step.buffers[1].offset: expected 512 bytes inside one of the arenas [512,768], found 256",
    ],
    [
      "a buffer too small for its shape",
      (p) => (p.entries.step.buffers[0].shape = [4, 3, 20, 2]),
      "entries.step.buffers[0].size: expected a multiple of 256 that holds 1920 bytes, found 256",
    ],
    [
      "an output",
      (p) => (p.entries.step.outputs.loss = "lost"),
      "entries.step.outputs.loss: expected the name of one of",
    ],
    [
      "a kernel",
      (p) => (p.entries.step.dispatches[1].kernel = 9),
      "entries.step.dispatches[1].kernel: expected an index below 5, found 9",
    ],
    [
      "workgroups",
      (p) => (p.entries.step.dispatches[1].workgroups = [1, 1]),
      "entries.step.dispatches[1].workgroups: expected three numbers, found [1,1]",
    ],
    [
      "too few bindings",
      (p) => p.entries.step.dispatches[1].bindings.pop(),
      "entries.step.dispatches[1].bindings: expected 4 bindings, as loss has, found 3",
    ],
    [
      "a binding's name",
      (p) => (p.entries.step.dispatches[0].bindings[1].name = "x"),
      'entries.step.dispatches[0].bindings[1].name: expected the name of a state, found "x"',
    ],
    [
      "uniforms where a buffer belongs",
      (p) => (p.entries.step.dispatches[0].bindings[0] = { kind: "uniforms" }),
      "entries.step.dispatches[0].bindings[0]: expected what forward binds as read_write",
    ],
    ["no textures", (p) => delete p.entries.step.textures, "entries.step.textures: expected a list, found nothing"],
    [
      "a texture without a GPU texture",
      (p) => addTexture(p, { gpuTexture: 1 }),
      "entries.step.textures[0].gpuTexture: expected an index below 1, found 1",
    ],
    [
      "a texture larger than its GPU texture",
      (p) => addTexture(p, { shape: [4, 3, 4, 4], size: 768 }),
      "entries.step.textures[0].gpuTexture: expected one of at least 48 x 1 texels, found 0",
    ],
    [
      "a texture's size",
      (p) => addTexture(p, { size: 256 }),
      "entries.step.textures[0].size: expected 192 bytes for [4,3,2,2], found 256",
    ],
    [
      "a tensor of no whole texels",
      (p) => addTexture(p, { shape: [3, 3, 1, 1] }),
      "entries.step.textures[0].shape: expected a multiple of 4 elements, found [3,3,1,1]",
    ],
    [
      "a copy of what is not there",
      (p) => (addTexture(p).copy.name = "z"),
      'entries.step.dispatches[0].copy.name: expected the name of a buffer, found "z"',
    ],
    [
      "a copy to what is not there",
      (p) => (addTexture(p).texture = "z"),
      'entries.step.dispatches[0].texture: expected the name of a texture, found "z"',
    ],
    [
      "a copy of another shape",
      (p) => (addTexture(p).copy = { kind: "state", name: "dense_1.weight" }),
      "entries.step.dispatches[0].texture: expected a texture of dense_1.weight's shape",
    ],
    [
      "a texture where a buffer belongs",
      (p) => {
        addTexture(p);
        p.entries.step.dispatches[1].bindings[0] = { kind: "texture", name: "x.texture" };
      },
      "entries.step.dispatches[1].bindings[0]: expected what forward binds as read_write",
    ],
  ])("names the field: %s", (_, change, message) => {
    expect(broken(change)).toThrow(KilnError);
    expect(broken(change)).toThrow(`program.json: ${message}`);
  });

  test("what is no program at all", () => {
    expect(() => parseProgramText("{")).toThrow("program.json is not JSON");
    expect(() => parseProgram([])).toThrow("program.json: the file: expected an object, found []");
  });
});

test("bytes for people", () => {
  expect([100, 4096, 64 * 2 ** 20, 5e9].map(formatBytes)).toEqual(["100 bytes", "4.0 KiB", "64.0 MiB", "4.7 GiB"]);
});
