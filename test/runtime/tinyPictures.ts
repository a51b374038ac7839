import type { PictureSource } from "../../runtime/index.ts";
import { uniform } from "../../runtime/program/random.ts";

/** Pictures that the tiny artifact can learn: class k is bright in channel k, and noisy. */
export function tinyPictures(count: number, size = 2, seed = 7): PictureSource {
  return {
    count,
    classes: 3,
    channels: 3,
    height: size,
    width: size,
    async read(indices, into, labels) {
      await new Promise((resolve) => setImmediate(resolve)); // as from a disk
      const bytes = size * size * 3;
      for (let n = 0; n < indices.length; n++) {
        const index = indices[n];
        labels[n] = index % 3;
        for (let i = 0; i < bytes; i++) {
          const noise = Math.floor(uniform(seed, index, i, 0) * 128);
          into[n * bytes + i] = noise + (i % 3 === labels[n] ? 100 : 0);
        }
      }
    },
  };
}

/** What the tiny artifact's picture kernel makes of 2x2 pictures: [n, 3, 2, 2], row-major. */
export function networkInput(bytes: Uint8Array): Float32Array {
  const x = new Float32Array(bytes.length);
  for (let n = 0; n < bytes.length / 12; n++)
    for (let c = 0; c < 3; c++)
      for (let p = 0; p < 4; p++) x[n * 12 + c * 4 + p] = (bytes[n * 12 + p * 3 + c] - 127.5) / 64;
  return x;
}
