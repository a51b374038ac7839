// set width=wide
import { conv2d, image, model } from "kiln";

export default model({ input: image(3, 8, 8) }, (x, { width = 1 }) =>  // error KILN1011
  conv2d(x, { channels: 8 * width, kernel: 3 }),
);
