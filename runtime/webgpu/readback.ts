import type { Slice } from "./buffers.ts";
import { type DeviceWatch, scoped } from "./device.ts";

/** Reads `bytes` of a slice through a mapped buffer, in pieces of that buffer's size. */
export async function readSlice(
  device: GPUDevice,
  watch: DeviceWatch,
  readback: GPUBuffer,
  slice: Slice,
  bytes: number,
): Promise<ArrayBuffer> {
  const out = new Uint8Array(bytes);
  for (let done = 0; done < bytes; done += readback.size) {
    const size = Math.min(readback.size, bytes - done);
    const { checked } = scoped(device, "reading back", () => {
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(slice.buffer, slice.offset + done, readback, 0, size);
      device.queue.submit([encoder.finish()]);
    });
    await watch.wait(Promise.all([readback.mapAsync(GPUMapMode.READ, 0, size), checked]));
    out.set(new Uint8Array(readback.getMappedRange(0, size)), done);
    readback.unmap();
  }
  return out.buffer;
}

/** Uploads are handed over in pieces, since the device keeps a copy of each until it is submitted. */
const pieceBytes = 16 * 2 ** 20;

/** Writes values into a slice from its beginning. */
export async function writeSlice(
  device: GPUDevice,
  watch: DeviceWatch,
  slice: Slice,
  values: Float32Array,
): Promise<void> {
  for (let done = 0; done < values.byteLength; done += pieceBytes) {
    const bytes = Math.min(pieceBytes, values.byteLength - done);
    const { checked } = scoped(device, "uploading", () => {
      const { buffer, byteOffset } = values;
      device.queue.writeBuffer(slice.buffer, slice.offset + done, buffer, byteOffset + done, bytes);
      device.queue.submit([]); // frees the copy that writeBuffer made
    });
    await watch.wait(checked);
  }
}
