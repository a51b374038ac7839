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

/** A bottleneck: 1x1 to fewer channels, 3x3, 1x1 to four times as many, and past them the input. */
function bottleneck(x: Tensor, channels: number, stride: number, project: boolean): Tensor {
  let y = relu(convolve(x, channels, 1));
  y = relu(convolve(y, channels, 3, stride));
  y = convolve(y, 4 * channels, 1);
  return relu(add(y, project ? convolve(x, 4 * channels, 1, stride) : x));
}

/**
 * The residual networks of He, Zhang, Ren and Sun (2015) with bottlenecks: 152 layers for 224x224 pictures as it stands;
 * `--set blocks2=4 --set blocks3=23` is ResNet-101, with `blocks3=6` ResNet-50.
 */
export default model(
  { input: image(3, 224, 224, { mean: 127.5, std: 64 }), classes: 1000 },
  (x, { blocks1 = 3, blocks2 = 8, blocks3 = 36, blocks4 = 3 }) => {
    x = relu(convolve(x, 64, 7, 2));
    x = maxPool2d(x, { kernel: 3, stride: 2, padding: 1 });
    let channels = 64;
    for (const blocks of [blocks1, blocks2, blocks3, blocks4]) {
      for (let block = 0; block < blocks; block++) {
        const first = block === 0;
        x = bottleneck(x, channels, first && channels > 64 ? 2 : 1, first);
      }
      channels *= 2;
    }
    return dense(flatten(globalAvgPool2d(x)), { units: 1000 });
  },
);
