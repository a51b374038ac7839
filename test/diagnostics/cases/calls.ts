import { conv2d, image, model, relu, type Tensor } from "kiln";
import { block } from "./files/block";
import { pool } from "./files/pool";

const stage = (x: Tensor, channels: number, name?: string) => {
  x = conv2d(x, { channels, kernel: 3, name });  // error KILN2006
  return relu(x);
};

export default model({ input: image(3, 32, 32) }, (x) => {
  x = stage(x, 8);
  x = pool(x, 40);
  x = stage(x, 0.5);
  x = stage(x);  // error KILN1012
  x = block(x, 8, 3, 4);  // error KILN1012
  return x;
});
