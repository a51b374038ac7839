import { conv2d, image, model } from "kiln";

export default model({ input: image(3, 32, 32) }, (x) => {
  while (true) {  // error KILN1002
    x = conv2d(x, { channels: 8, kernel: 3 });
  }
  return x;
});
