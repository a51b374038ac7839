/** TensorFlow.js, on WebGPU or WebAssembly: `tfjs.js webgpu`, `tfjs.js wasm`. Its images are NHWC. */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type * as Tf from "@tensorflow/tfjs";
import { provideGpu } from "./gpu.ts";
import { type Job, type Layer, type Peer, serve } from "./protocol.ts";
import { readTensors, type Tensor, transpose } from "./tensors.ts";
import { versionsOf } from "./versions.ts";

const backend = process.argv[2] as "webgpu" | "wasm";
const require = createRequire(import.meta.url);

async function open(job: Job): Promise<typeof Tf> {
  if (backend === "webgpu") provideGpu(job.adapter); // the library looks for it when it is imported
  const tf = await import("@tensorflow/tfjs");
  if (backend === "webgpu") await import("@tensorflow/tfjs-backend-webgpu");
  else {
    const wasm = await import("@tensorflow/tfjs-backend-wasm");
    wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
    wasm.setThreadsCount(job.threads);
  }
  if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js cannot use its ${backend} backend here`);
  await tf.ready();
  return tf;
}

/** Weights as TensorFlow has them: HWIO, and [in, units] with the inputs in the order of a flattened NHWC image. */
function convert(layers: readonly Layer[], weights: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const converted = new Map(weights);
  let flattened: readonly [number, number, number] | null = null;
  for (const layer of layers) {
    if (layer.kind === "conv2d") converted.set(layer.weight, transpose(weights.get(layer.weight)!, [2, 3, 1, 0]));
    if (layer.kind === "flatten") flattened = layer.shape;
    if (layer.kind === "dense") {
      const { shape, data } = weights.get(layer.weight)!;
      const [units, inputs] = shape;
      const image = flattened ? { shape: [units, ...flattened], data } : { shape: [units, 1, 1, inputs], data };
      const order = flattened ? [2, 3, 1, 0] : [1, 2, 3, 0];
      converted.set(layer.weight, { shape: [inputs, units], data: transpose(image, order).data });
      flattened = null;
    }
  }
  return converted;
}

async function prepare(job: Job): Promise<Peer> {
  const tf = await open(job);
  const tensors = readTensors(job);
  const input = transpose(tensors.input, [0, 2, 3, 1]);
  const x = tf.tensor4d(input.data, input.shape as [number, number, number, number]);
  const labels = tf.cast(tf.oneHot(tf.tensor1d(tensors.labels, "int32"), job.classes), "float32");
  const variables = new Map(
    [...convert(job.layers, tensors.weights)].map(([name, { shape, data }]) => [
      name,
      tf.variable(tf.tensor(data, [...shape]), true, name),
    ]),
  );

  const network = (): Tf.Tensor2D => {
    let y: Tf.Tensor = x;
    const biased = (z: Tf.Tensor, bias: string | null) => (bias === null ? z : tf.add(z, variables.get(bias)!));
    for (const layer of job.layers) {
      if (layer.kind === "conv2d") {
        const { stride, padding } = layer;
        const pads = padding.map((p) => [p, p]) as [[number, number], [number, number]];
        const pad =
          padding[0] + padding[1] === 0 ? "valid" : ([[0, 0], ...pads, [0, 0]] as Tf.backend_util.ExplicitPadding);
        const filter = variables.get(layer.weight)! as Tf.Tensor4D;
        y = biased(tf.conv2d(y as Tf.Tensor4D, filter, [...stride], pad), layer.bias);
      } else if (layer.kind === "maxPool2d")
        y = tf.maxPool(y as Tf.Tensor4D, [...layer.kernel], [...layer.stride], "valid");
      else if (layer.kind === "relu") y = tf.relu(y);
      else if (layer.kind === "flatten") y = tf.reshape(y, [job.batch, -1]);
      else y = biased(tf.matMul(y as Tf.Tensor2D, variables.get(layer.weight)! as Tf.Tensor2D), layer.bias);
    }
    return y as Tf.Tensor2D;
  };

  const optimizer = tf.train.sgd(job.learningRate);
  const step = () => optimizer.minimize(() => tf.losses.softmaxCrossEntropy(labels, network()) as Tf.Scalar, true)!;
  return {
    versions: versionsOf(`@tensorflow/tfjs-backend-${backend}`),
    run: async () => {
      const result = job.task === "step" ? step() : tf.tidy(network);
      const values = await result.data();
      result.dispose();
      return values;
    },
  };
}

await serve(prepare);
