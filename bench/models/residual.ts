import { add, batchNorm, conv2d, dense, flatten, globalAvgPool2d, image, model, relu, type Tensor } from "kiln";

const convolve = (x: Tensor, channels: number): Tensor =>
  batchNorm(conv2d(x, { channels, kernel: 3, padding: 1, bias: false }));

/**
 * `depth` layers with weights: a convolution, residual blocks of two convolutions, a dense layer. Blocks are all alike,
 * so that what grows is the number of nodes alone.
 */
export default model(
  { input: image(3, 32, 32, { mean: 127.5, std: 64 }), classes: 10 },
  (x, { depth = 10, width = 16 }) => {
    x = relu(convolve(x, width));
    for (let layer = 1; layer < depth - 1; layer += 2) {
      const y = relu(convolve(x, width));
      x = relu(add(convolve(y, width), x));
    }
    return dense(flatten(globalAvgPool2d(x)), { units: 10 });
  },
);
