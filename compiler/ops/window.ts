/** Arithmetic of sliding windows, shared by convolution and pooling. */
import { OpError, type Pair } from "./define.ts";

export interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation?: Pair;
}

/**
 * Output [height, width] of a window over an image: floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1.
 * Throws OpError KILN2004, with the arithmetic, where the kernel does not fit its padded input.
 */
export function windowOutput(op: string, size: readonly number[], w: Window): [number, number] {
  const along = (axis: "h" | "w", extent: number): number => {
    const dilation = w.dilation?.[axis] ?? 1;
    const reach = dilation * (w.kernel[axis] - 1) + 1;
    const padded = extent + 2 * w.padding[axis];
    if (reach > padded) {
      const side = axis === "h" ? "height" : "width";
      const kernel = dilation === 1 ? `${reach}` : `${dilation}*(${w.kernel[axis]} - 1) + 1 = ${reach}`;
      throw new OpError(
        "KILN2004",
        `${op}: a kernel of ${side} ${kernel} does not fit an input of ${side} ${extent} with padding ${w.padding[axis]} (${extent} + 2*${w.padding[axis]} = ${padded})`,
        `use a kernel of at most ${Math.floor((padded - 1) / dilation) + 1}, or a padding of at least ${Math.ceil((reach - extent) / 2)}`,
      );
    }
    return Math.floor((padded - reach) / w.stride[axis]) + 1;
  };
  return [along("h", size[0]), along("w", size[1])];
}
