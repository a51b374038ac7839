import { conv2d, image, model, type Tensor } from "kiln";

const stack = (x: Tensor, depth: number): Tensor =>
  depth === 0 ? x : stack(conv2d(x, { channels: 8, kernel: 1 }), depth + 1);  // error KILN1007

export default model({ input: image(3, 8, 8) }, (x) => stack(x, 4));
