/** ONNX Runtime Web on WebGPU: inference alone. */
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

async function prepare(job: Job): Promise<Peer> {
  provideGpu(job.adapter);
  copySharedMemory();
  const ort = await import("onnxruntime-web/webgpu");
  ort.env.wasm.numThreads = 1;
  const tensors = readTensors(job);
  const session = await ort.InferenceSession.create(onnxModel(job, tensors), { executionProviders: ["webgpu"] });
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
