/** Every schedule against the float64 reference, without a GPU: small models, all entry points, described targets. */
import { describe, expect, test } from "vitest";
import type { Graph } from "../../compiler/ir/graph.ts";
import { verifyKernel } from "../../compiler/ir/verifyKernel.ts";
import { buildEntries } from "../../compiler/passes/entries.ts";
import type { ScheduleChoice } from "../../compiler/schedule/index.ts";
import type { ContractionSchedule } from "../../compiler/schedule/tile.ts";
import { targets } from "../../compiler/target/targets.ts";
import type { Target } from "../../runtime/program/schema.ts";
import { compileKernels, model, runProgram } from "./models.ts";

const models: Record<string, Graph> = {
  "convolution, pool, dense": model([4, 3, 11, 10], (call, x) => {
    x = call("conv2d", x, { channels: 8, kernel: 3, padding: 1 });
    x = call("relu", x);
    x = call("maxPool2d", x, { kernel: 3, stride: 2 });
    return call("dense", call("flatten", x), { units: 10 });
  }),
  "strides, groups, odd channels": model([3, 6, 9, 9], (call, x) => {
    x = call("relu", call("conv2d", x, { channels: 10, kernel: [3, 2], stride: 2, padding: [1, 0], groups: 2 }));
    x = call("conv2d", x, { channels: 7, kernel: 3, dilation: 2, padding: 1 });
    return call("dense", call("flatten", x), { units: 5 });
  }),
  "batch norm, dropout, residual": model([4, 3, 6, 6], (call, x) => {
    x = call("conv2d", x, { channels: 4, kernel: 1 });
    const y = call("relu", call("batchNorm", call("conv2d", x, { channels: 4, kernel: 3, padding: 1 })));
    x = call("relu", call("add", x, {}, { b: y }));
    x = call("dropout", x, { rate: 0.25 });
    x = call("avgPool2d", x, { kernel: 2 });
    x = call("globalAvgPool2d", x);
    return call("dense", call("flatten", x), { units: 4 });
  }),
  "normalisation, resize, concat, softmax": model([2, 5, 6, 5], (call, x) => {
    const a = call("localResponseNorm", x, { size: 3, alpha: 0.1 });
    const b = call("softmax", x, { axis: 1 });
    x = call("resize", call("concat", a, { axis: 1 }, { tensors: [a, b] }), { height: 7, width: 8 });
    x = call("maxPool2d", x, { kernel: 3, stride: 2, padding: 1 });
    return call("dense", call("flatten", x), { units: 3 });
  }),
  "wide dense layers": model([8, 2, 6, 6], (call, x) => {
    x = call("relu", call("dense", call("flatten", x), { units: 40 }));
    return call("dense", x, { units: 12 });
  }),
};

/** portable goes through workgroup memory, lavapipe and swiftshader through broadcasts of their subgroup sizes. */
const runs = [
  ["portable", ["forward", "step", "gradientsFromCotangent", "update", "pictures"]],
  ["lavapipe", ["step", "gradientsFromCotangent"]],
  ["swiftshader", ["step"]],
] as const;

const timeout = 60_000;

const check = (graph: Graph, target: Target, options = {}) => {
  const { problems, errors } = runProgram(graph, target, options);
  expect(problems).toEqual([]);
  expect(errors.size).toBeGreaterThan(0);
  for (const [name, error] of errors) expect(error, `%${name}`).toBeLessThan(1e-11);
};

describe.each(runs)("%s", (name, wanted) => {
  const target = targets.get(name)!;
  describe.each(Object.keys(models))("%s", (which) => {
    const built = buildEntries(models[which], { velocity: true, pictureBytes: 3 * 5 * 6 * 8 });
    test.each(wanted)("%s", (entry) => check(built[entry]!, target), timeout);
  });
});

test.each(["convolution, pool, dense", "wide dense layers"])(
  "four storage buffers are enough: %s",
  (which) => {
    const built = buildEntries(models[which], { velocity: false });
    check(built.gradientsFromCotangent, targets.get("few-bindings")!);
  },
  timeout,
);

test.each(Object.keys(models))(
  "values written in place of others: %s",
  (which) => check(buildEntries(models[which], { velocity: true }).step!, targets.get("lavapipe")!, { inPlace: true }),
  timeout,
);

/** Tiles that are not the default: odd row blocks, turns longer than the inner axis, more rows than there are. */
test.each<[target: string, changes: Record<string, number>]>([
  ["lavapipe", { tileRows: 4, unroll: 4, rowBlock: 4 }],
  ["lavapipe", { tileRows: 12, unroll: 8, rowBlock: 3 }],
  ["lavapipe", { tileRows: 48, unroll: 2, rowBlock: 4 }],
  ["lavapipe", { tileRows: 16, unroll: 16, rowBlock: 5 }],
  ["swiftshader", { tileRows: 8, unroll: 6, rowBlock: 2 }],
  ["portable", { tileRows: 2, unroll: 8, threadRows: 4, threadColumns: 16 }],
  ["portable", { tileRows: 8, unroll: 5, threadRows: 16, threadColumns: 4 }],
])(
  "other tiles: %s %o",
  (name, changes) => {
    const built = buildEntries(models["convolution, pool, dense"], { velocity: true });
    const choose: ScheduleChoice = (_, standard) => ({ ...standard, ...changes }) as ContractionSchedule;
    check(built.step!, targets.get(name)!, { choose });
  },
  timeout,
);

/** The tutorial's network; too large to run here, but every store is proved inside. */
const alexnet = model([64, 3, 224, 224], (call, x) => {
  const conv = (channels: number, kernel: number, stride = 1) => {
    x = call("relu", call("conv2d", x, { channels, kernel, stride }));
  };
  const pool = () => {
    x = call("maxPool2d", x, { kernel: 3, stride: 2 });
  };
  conv(96, 11, 4);
  pool();
  conv(192, 5);
  pool();
  conv(384, 3);
  conv(384, 3);
  conv(256, 3);
  pool();
  x = call("flatten", x);
  for (const units of [4096, 4096]) x = call("relu", call("dense", x, { units }));
  return call("dense", x, { units: 10 });
});

test.each(["portable", "lavapipe", "swiftshader", "discrete", "integrated", "mobile"])(
  "AlexNet's step at batch 64 for %s",
  (name) => {
    const target = targets.get(name)!;
    const { kernels, storageOf } = compileKernels(buildEntries(alexnet, { velocity: true }).step!, target);
    expect(kernels.length).toBeGreaterThan(20);
    expect(kernels.flatMap((k) => verifyKernel(k, target, { strict: true, storageOf }))).toEqual([]);
  },
  timeout,
);
