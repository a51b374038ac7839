import { conv2d, dense, dropout, flatten, image, localResponseNorm, maxPool2d, model, type Tensor } from "kiln";

/** The paper's normalisation adds alpha times the sum of five squares; localResponseNorm divides alpha by their number. */
const normalise = (x: Tensor) => localResponseNorm(x, { size: 5, alpha: 5 * 1e-4, beta: 0.75, k: 2 });

const pool = (x: Tensor) => maxPool2d(x, { kernel: 3, stride: 2 });

/**
 * AlexNet as in Krizhevsky, Sutskever and Hinton (2012), 60,965,224 parameters. Its two towers, one a GPU, are groups
 * of convolutions; they see each other in the third convolution and in the dense layers.
 */
export default model(
  { input: image(3, 224, 224, { mean: [123.68, 116.78, 103.94] }), classes: 1000 },
  (x, { dropout: rate = 0.5 }) => {
    x = conv2d(x, { channels: 96, kernel: 11, stride: 4, padding: 2, activation: "relu" });
    x = pool(normalise(x));
    x = conv2d(x, { channels: 256, kernel: 5, padding: 2, groups: 2, activation: "relu" });
    x = pool(normalise(x));
    x = conv2d(x, { channels: 384, kernel: 3, padding: 1, activation: "relu" });
    x = conv2d(x, { channels: 384, kernel: 3, padding: 1, groups: 2, activation: "relu" });
    x = conv2d(x, { channels: 256, kernel: 3, padding: 1, groups: 2, activation: "relu" });
    x = flatten(pool(x));
    for (let layer = 0; layer < 2; layer++) {
      x = dropout(dense(x, { units: 4096, activation: "relu" }), { rate });
    }
    return dense(x, { units: 1000 });
  },
);
