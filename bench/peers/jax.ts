/** jax-js on WebGPU. Its functions take their arguments over: `.ref` keeps one for later. */
import type { numpy } from "@jax-js/jax";
import { provideGpu } from "./gpu.ts";
import { type Job, type Peer, serve } from "./protocol.ts";
import { readTensors } from "./tensors.ts";
import { versionsOf } from "./versions.ts";

type Params = Record<string, numpy.Array>;

async function prepare(job: Job): Promise<Peer> {
  provideGpu(job.adapter);
  const {
    blockUntilReady,
    defaultDevice,
    init,
    jit,
    lax,
    nn,
    numpy: np,
    tree,
    valueAndGrad,
  } = await import("@jax-js/jax");
  const devices = await init();
  if (!devices.includes("webgpu")) throw new Error(`jax-js finds no WebGPU, only ${devices.join(", ")}`);
  defaultDevice("webgpu");
  const tensors = readTensors(job);
  const array = ({ shape, data }: { shape: readonly number[]; data: Float32Array }) =>
    np.array(data as Float32Array<ArrayBuffer>).reshape([...shape]);
  let params: Params = Object.fromEntries([...tensors.weights].map(([name, tensor]) => [name, array(tensor)]));
  const x = array(tensors.input);
  const labels = nn.oneHot(np.array(tensors.labels as Int32Array<ArrayBuffer>), job.classes);
  await blockUntilReady([params, x, labels]);

  const network = (p: Params, x: numpy.Array): numpy.Array => {
    let y = x;
    for (const layer of job.layers) {
      if (layer.kind === "conv2d") {
        const pads = layer.padding.map((n) => [n, n] as [number, number]);
        y = lax.convGeneralDilated(y, p[layer.weight], [...layer.stride], pads);
        if (layer.bias !== null) y = y.add(p[layer.bias].reshape([-1, 1, 1]));
      } else if (layer.kind === "maxPool2d")
        y = lax.reduceWindow(y, (window) => np.max(window), [1, 1, ...layer.kernel], [1, 1, ...layer.stride]);
      else if (layer.kind === "relu") y = nn.relu(y);
      else if (layer.kind === "flatten") y = y.reshape([job.batch, -1]);
      else {
        y = np.matmul(y, p[layer.weight].transpose());
        if (layer.bias !== null) y = y.add(p[layer.bias]);
      }
    }
    return y;
  };

  const forward = jit(network);
  const lossOf = (p: Params, x: numpy.Array, t: numpy.Array) =>
    nn
      .logSoftmax(network(p, x))
      .mul(t)
      .sum()
      .mul(-1 / job.batch);
  const step = jit((p: Params, x: numpy.Array, t: numpy.Array): [numpy.Array, Params] => {
    const [loss, gradients] = valueAndGrad(lossOf)(tree.ref(p), x, t) as [numpy.Array, Params];
    const next = Object.entries(p).map(([name, value]) => [name, value.sub(gradients[name].mul(job.learningRate))]);
    return [loss, Object.fromEntries(next)];
  });
  return {
    versions: versionsOf("@jax-js/jax"),
    run: async () => {
      if (job.task === "forward") return (await forward(tree.ref(params), x.ref).data()) as Float32Array;
      const [loss, next] = step(params, x.ref, labels.ref);
      params = next;
      const value = (await loss.data()) as Float32Array;
      await blockUntilReady(params);
      return value;
    },
  };
}

await serve(prepare);
