/** The weights and the batch of a job. */
import { readFileSync } from "node:fs";
import { parseSafetensors, toFloat32, toInt32 } from "../../runtime/program/safetensors.ts";
import type { Job } from "./protocol.ts";

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface Tensors {
  readonly weights: ReadonlyMap<string, Tensor>;
  /** [N, C, H, W] */
  readonly input: Tensor;
  readonly labels: Int32Array;
}

export function readTensors(job: Job): Tensors {
  const read = (file: string) => parseSafetensors(readFileSync(file), file).tensors;
  const weights = [...read(job.weightsFile)].map(([name, tensor]): [string, Tensor] => [
    name,
    { shape: tensor.shape, data: toFloat32(tensor, name) },
  ]);
  const batch = read(job.batchFile);
  const input = batch.get("input")!;
  return {
    weights: new Map(weights),
    input: { shape: input.shape, data: toFloat32(input, "input") },
    labels: toInt32(batch.get("labels")!, "labels"),
  };
}

/** Elements in another order of dimensions: dimension i of the result is dimension `order[i]` of the tensor. */
export function transpose({ shape, data }: Tensor, order: readonly number[]): Tensor {
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  const to = order.map((d) => shape[d]);
  const out = new Float32Array(data.length);
  const index = to.map(() => 0);
  let at = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = data[at];
    for (let d = to.length - 1; d >= 0; d--) {
      at += strides[order[d]];
      if (++index[d] < to[d]) break;
      at -= to[d] * strides[order[d]];
      index[d] = 0;
    }
  }
  return { shape: to, data: out };
}
