import { conv2d, dense, flatten, image, maxPool2d, model } from "kiln";

/** LeNet with relu and max pooling, for CIFAR-10 at its own size. */
export default model({ input: image(3, 32, 32, { mean: 127.5, std: 64 }), classes: 10 }, (x) => {
  x = conv2d(x, { channels: 20, kernel: 5, activation: "relu" });
  x = maxPool2d(x, { kernel: 2 });
  x = conv2d(x, { channels: 50, kernel: 5, activation: "relu" });
  x = maxPool2d(x, { kernel: 2 });
  x = dense(flatten(x), { units: 500, activation: "relu" });
  return dense(x, { units: 10 });
});
