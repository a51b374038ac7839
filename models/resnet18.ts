import {
  add,
  batchNorm,
  conv2d,
  dense,
  flatten,
  globalAvgPool2d,
  image,
  maxPool2d,
  model,
  relu,
  type Tensor,
} from "kiln";

const convolve = (x: Tensor, channels: number, kernel: number, stride = 1): Tensor =>
  batchNorm(conv2d(x, { channels, kernel, stride, padding: Math.floor(kernel / 2), bias: false }));

/** Two convolutions, and past them the input; through a 1x1 convolution where they change its shape. */
function residual(x: Tensor, channels: number, stride: number, project: boolean): Tensor {
  const y = convolve(relu(convolve(x, channels, 3, stride)), channels, 3);
  return relu(add(y, project ? convolve(x, channels, 1, stride) : x));
}

/** ResNet-18 (He, Zhang, Ren and Sun, 2015) for pictures of 96x96, as the tutorial trains it. */
export default model({ input: image(3, 96, 96, { mean: 127.5, std: 64 }), classes: 10 }, (x) => {
  x = relu(convolve(x, 64, 7, 2));
  x = maxPool2d(x, { kernel: 3, stride: 2, padding: 1 });
  for (const channels of [64, 128, 256, 512]) {
    const halves = channels > 64;
    x = residual(x, channels, halves ? 2 : 1, halves);
    x = residual(x, channels, 1, false);
  }
  return dense(flatten(globalAvgPool2d(x)), { units: 10 });
});
