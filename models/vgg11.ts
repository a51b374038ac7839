import { conv2d, dense, dropout, flatten, image, maxPool2d, model, type Tensor } from "kiln";

/** Convolutions that keep the size, and a pool that halves it. */
function block(x: Tensor, convolutions: number, channels: number): Tensor {
  for (let i = 0; i < convolutions; i++) {
    x = conv2d(x, { channels, kernel: 3, padding: 1, activation: "relu" });
  }
  return maxPool2d(x, { kernel: 2 });
}

const architecture = [
  [1, 64],
  [1, 128],
  [2, 256],
  [2, 512],
  [2, 512],
] as const;

/** VGG-11 (Simonyan and Zisserman, 2014), the tutorial's next chapter, for CIFAR-10 at its own size. */
export default model(
  { input: image(3, 32, 32, { mean: 127.5, std: 64 }), classes: 10 },
  (x, { dropout: rate = 0.5 }) => {
    for (const [convolutions, channels] of architecture) {
      x = block(x, convolutions, channels);
    }
    x = flatten(x);
    for (let layer = 0; layer < 2; layer++) {
      x = dropout(dense(x, { units: 4096, activation: "relu" }), { rate });
    }
    return dense(x, { units: 10 });
  },
);
