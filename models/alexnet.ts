import { conv2d, dense, dropout, flatten, image, maxPool2d, model } from "kiln";

/**
 * AlexNet as in the Gluon tutorial: CIFAR-10 upsampled to 224x224, values 0..255.
 * `--set dropout=0.5` drops half of what enters the last two dense layers while training.
 */
export default model({ input: image(3, 224, 224), classes: 10 }, (x, { dropout: rate = 0 }) => {
  x = conv2d(x, { channels: 96, kernel: 11, stride: 4, activation: "relu" });
  x = maxPool2d(x, { kernel: 3, stride: 2 });
  x = conv2d(x, { channels: 192, kernel: 5, activation: "relu" });
  x = maxPool2d(x, { kernel: 3, stride: 2 });
  x = conv2d(x, { channels: 384, kernel: 3, activation: "relu" });
  x = conv2d(x, { channels: 384, kernel: 3, activation: "relu" });
  x = conv2d(x, { channels: 256, kernel: 3, activation: "relu" });
  x = maxPool2d(x, { kernel: 3, stride: 2 });
  x = flatten(x);
  for (let layer = 0; layer < 2; layer++) {
    x = dense(x, { units: 4096, activation: "relu" });
    if (rate > 0) x = dropout(x, { rate });
  }
  return dense(x, { units: 10 });
});
