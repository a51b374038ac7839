import { conv2d, maxPool2d, type Tensor } from "kiln";

export function block(x: Tensor, channels: number, kernel = 3): Tensor {
  x = conv2d(x, { channels, kernel, activation: "relu" });
  return maxPool2d(x, { kernel: 2 });
}
