/**
 * An artifact written by hand: a linear classifier of 2x2 colour pictures, logits = w x, trained by SGD with momentum.
 * Everything a compiled artifact has is in it: permuted layouts, an arena of two buffers, all five kinds of bindings.
 */
import type {
  Artifact,
  ProgramBinding,
  ProgramBuffer,
  ProgramDispatch,
  ProgramEntry,
  ProgramKernel,
  Target,
} from "../../runtime/index.ts";

export const batch = 4;
export const classes = 3;
export const features = 12;

export const portable: Target = {
  name: "portable",
  class: "portable",
  limits: {
    maxBufferSize: 268435456,
    maxStorageBufferBindingSize: 134217728,
    maxStorageBuffersPerShaderStage: 8,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupSizeX: 256,
    maxComputeWorkgroupsPerDimension: 65535,
  },
  features: [],
  subgroupSize: null,
};

const uniforms = /* wgsl */ `
struct Uniforms { seed: u32, step: u32, lr: f32, momentum: f32, weightDecay: f32, pictureHeight: i32, pictureWidth: i32 }
`;

const texts = {
  // Input lies as NHWC: element (n, h, w, c).
  pictures: /* wgsl */ `${uniforms}
@group(0) @binding(0) var<storage, read> pictures: array<u32>;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<uniform> u: Uniforms;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let e = i32(id.x);
  if (e >= 48) { return; }
  let c = e % 3; let w = e / 3 % 2; let h = e / 6 % 2; let n = e / 12;
  let at = u32(((n * u.pictureHeight + h * u.pictureHeight / 2) * u.pictureWidth + w * u.pictureWidth / 2) * 3 + c);
  let byte = (pictures[at / 4u] >> (8u * (at % 4u))) & 255u;
  x[e] = (f32(byte) - 127.5) / 64.0;
}`,
  // w lies as [features, classes].
  forward: /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(12) fn main(@builtin(local_invocation_id) id: vec3u) {
  let n = id.x / 3u; let k = id.x % 3u;
  var sum = 0.0;
  for (var c = 0u; c < 3u; c++) { for (var p = 0u; p < 4u; p++) {
    sum += x[n * 12u + p * 3u + c] * w[(c * 4u + p) * 3u + k];
  } }
  y[n * 3u + k] = sum;
}`,
  loss: /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read_write> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;
@compute @workgroup_size(1) fn main() {
  var total = 0.0;
  for (var n = 0u; n < 4u; n++) {
    let a = y[n * 3u]; let b = y[n * 3u + 1u]; let c = y[n * 3u + 2u];
    let most = max(a, max(b, c));
    let sum = exp(a - most) + exp(b - most) + exp(c - most);
    let label = u32(labels[n]);
    total += most + log(sum) - y[n * 3u + label];
    for (var k = 0u; k < 3u; k++) {
      dy[n * 3u + k] = (exp(y[n * 3u + k] - most) / sum - select(0.0, 1.0, k == label)) / 4.0;
    }
  }
  loss[0] = total / 4.0;
}`,
  weightGradient: /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>;
@compute @workgroup_size(36) fn main(@builtin(local_invocation_id) id: vec3u) {
  let f = id.x / 3u; let k = id.x % 3u;
  var sum = 0.0;
  for (var n = 0u; n < 4u; n++) { sum += x[n * 12u + f % 4u * 3u + f / 4u] * dy[n * 3u + k]; }
  dw[id.x] = sum;
}`,
  update: /* wgsl */ `${uniforms}
@group(0) @binding(0) var<storage, read_write> dw: array<f32>;
@group(0) @binding(1) var<storage, read_write> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> v: array<f32>;
@group(0) @binding(3) var<uniform> u: Uniforms;
@compute @workgroup_size(36) fn main(@builtin(local_invocation_id) id: vec3u) {
  let next = u.momentum * v[id.x] + dw[id.x] + u.weightDecay * w[id.x];
  v[id.x] = next;
  w[id.x] = w[id.x] - u.lr * next;
}`,
};

type KernelName = keyof typeof texts;
const kernelNames = Object.keys(texts) as KernelName[];

function kernel(name: KernelName, workgroupSize: number, bindings: ProgramKernel["bindings"]): ProgramKernel {
  return {
    name,
    file: `kernels/${name}.wgsl`,
    entryPoint: "main",
    workgroupSize,
    bindings,
    sources: ["models/tiny.ts:5"],
    ops: ["dense"],
    schedule: {},
    algorithm: "direct",
    operations: 1000,
    executedOperations: 1000,
  };
}
const access = (...list: ("read" | "read_write" | "uniform")[]) => list.map((a, i) => ({ name: `b${i}`, access: a }));

const buffer = (name: string, shape: number[], layout: number[], offset: number): ProgramBuffer => ({
  name,
  type: "f32",
  shape,
  layout,
  offset,
  size: 256,
  start: 0,
  end: 4,
});
const buffers = [
  buffer("x", [batch, 3, 2, 2], [0, 2, 3, 1], 0),
  buffer("y", [batch, classes], [0, 1], 256),
  buffer("dy", [batch, classes], [0, 1], 512),
  buffer("loss", [1], [0], 768),
  buffer("dw", [classes, features], [1, 0], 1024),
];
const arenas = [512, 768];

const bind: Record<string, ProgramBinding> = {
  ...Object.fromEntries(buffers.map(({ name }) => [name, { kind: "buffer", name }])),
  w: { kind: "state", name: "dense_1.weight" },
  v: { kind: "state", name: "dense_1.weight.velocity" },
  labels: { kind: "labels" },
  pictures: { kind: "pictures" },
  uniforms: { kind: "uniforms" },
};
const dispatch = (name: KernelName, ...bindings: string[]): ProgramDispatch => ({
  kernel: kernelNames.indexOf(name),
  workgroups: [1, 1, 1],
  bindings: bindings.map((b) => bind[b]),
});

const pictures = [dispatch("pictures", "pictures", "x", "uniforms")];
const forward = [dispatch("forward", "x", "w", "y")];
const backward = [dispatch("loss", "y", "labels", "dy", "loss"), dispatch("weightGradient", "x", "dy", "dw")];
const update = [dispatch("update", "dw", "w", "v", "uniforms")];

const entry = (
  dispatches: ProgramDispatch[],
  inputs: Record<string, string>,
  outputs: Record<string, string>,
): ProgramEntry => ({
  arenas,
  gpuTextures: [],
  arenaBytes: 1280,
  lowerBoundBytes: 1280,
  buffers,
  textures: [],
  pictures: "input" in inputs ? pictures : [],
  dispatches,
  inputs,
  outputs,
});

const input = { input: "x" };
const outputs = { output: "y", loss: "loss" };

export const tiny: Artifact = {
  program: {
    format: 1,
    compiler: "by hand",
    model: {
      name: "tiny",
      hash: "abc",
      mode: "train",
      batch,
      settings: {},
      algorithm: "direct",
      optimizer: { kind: "sgd", velocity: true },
      classes,
    },
    target: portable,
    input: { shape: [batch, 3, 2, 2], mean: [127.5, 127.5, 127.5], std: [64, 64, 64], classNames: null },
    output: { shape: [batch, classes] },
    state: [
      {
        name: "dense_1.weight",
        shape: [classes, features],
        role: "parameter",
        initializer: { kind: "xavier" },
        layout: [1, 0],
      },
      {
        name: "dense_1.weight.velocity",
        shape: [classes, features],
        role: "velocity",
        initializer: { kind: "constant", value: 0 },
        layout: [1, 0],
      },
    ],
    uniforms: [
      { name: "seed", type: "u32" },
      { name: "step", type: "u32" },
      { name: "lr", type: "f32" },
      { name: "momentum", type: "f32" },
      { name: "weightDecay", type: "f32" },
      { name: "pictureHeight", type: "i32" },
      { name: "pictureWidth", type: "i32" },
    ],
    kernels: [
      kernel("pictures", 64, access("read", "read_write", "uniform")),
      kernel("forward", 12, access("read_write", "read", "read_write")),
      kernel("loss", 1, access("read_write", "read", "read_write", "read_write")),
      kernel("weightGradient", 36, access("read_write", "read_write", "read_write")),
      kernel("update", 36, access("read_write", "read_write", "read_write", "uniform")),
    ],
    entries: {
      step: entry([...forward, ...backward, ...update], input, outputs),
      forward: entry(forward, input, { output: "y" }),
      gradients: entry([...forward, ...backward], input, { ...outputs, "grad.dense_1.weight": "dw" }),
      update: entry(update, { "grad.dense_1.weight": "dw" }, {}),
    },
    arenaBytes: 1280,
    lowerBoundBytes: 1280,
    persistentBytes: 288,
  },
  kernels: Object.fromEntries(kernelNames.map((name) => [`kernels/${name}.wgsl`, texts[name]])),
};

/** The same network in float64. `w`, `v` [classes, features] are changed in place; returns logits, loss and gradient. */
export function referenceStep(
  w: Float64Array,
  v: Float64Array,
  x: ArrayLike<number>,
  labels: ArrayLike<number>,
  { lr, momentum = 0, weightDecay = 0 }: { lr: number; momentum?: number; weightDecay?: number },
) {
  const logits = new Float64Array(batch * classes);
  const dw = new Float64Array(classes * features);
  let loss = 0;
  for (let n = 0; n < batch; n++) {
    const row = logits.subarray(n * classes, (n + 1) * classes);
    for (let k = 0; k < classes; k++)
      for (let f = 0; f < features; f++) row[k] += x[n * features + f] * w[k * features + f];
    const sum = row.reduce((a, b) => a + Math.exp(b), 0);
    loss += (Math.log(sum) - row[labels[n]]) / batch;
    for (let k = 0; k < classes; k++) {
      const dy = (Math.exp(row[k]) / sum - (k === labels[n] ? 1 : 0)) / batch;
      for (let f = 0; f < features; f++) dw[k * features + f] += dy * x[n * features + f];
    }
  }
  for (let i = 0; i < w.length; i++) {
    v[i] = momentum * v[i] + dw[i] + weightDecay * w[i];
    w[i] -= lr * v[i];
  }
  return { logits, loss, dw };
}
