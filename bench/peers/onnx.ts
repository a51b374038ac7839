/** ONNX Runtime Web, on WebGPU or WebAssembly: `onnx.js webgpu`, `onnx.js wasm`. Inference alone. */
import { provideGpu } from "./gpu.ts";
import { onnxModel } from "./onnxModel.ts";
import { type Job, type Peer, serve } from "./protocol.ts";
import { readTensors } from "./tensors.ts";
import { versionsOf } from "./versions.ts";

/** The library's memory is shared between threads, and dawn-node's writeBuffer takes no such memory: it gets a copy. */
function copySharedMemory(): void {
  const { writeBuffer } = GPUQueue.prototype;
  GPUQueue.prototype.writeBuffer = function (buffer, offset, data, ...part) {
    const shared = ArrayBuffer.isView(data) && data.buffer instanceof SharedArrayBuffer;
    return writeBuffer.call(this, buffer, offset, shared ? new Uint8Array(data as Uint8Array) : data, ...part);
  };
}

const provider = process.argv[2] as "webgpu" | "wasm";

async function open(job: Job) {
  if (provider === "webgpu") {
    provideGpu(job.adapter);
    copySharedMemory();
  }
  // The library's own entry point for Node is WebAssembly's alone; it finds its files, and starts its threads, itself.
  const ort = provider === "webgpu" ? await import("onnxruntime-web/webgpu") : await import("onnxruntime-web");
  ort.env.wasm.numThreads = provider === "webgpu" ? 1 : job.threads;
  return ort;
}

async function prepare(job: Job): Promise<Peer> {
  const ort = await open(job);
  const tensors = readTensors(job);
  const session = await ort.InferenceSession.create(onnxModel(job, tensors), { executionProviders: [provider] });
  const input = new ort.Tensor("float32", tensors.input.data, [...tensors.input.shape]);
  return {
    versions: versionsOf("onnxruntime-web"),
    run: async () => {
      const { output } = await session.run({ input });
      return (await output.getData()) as Float32Array;
    },
  };
}

await serve(prepare);
