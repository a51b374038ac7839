import { conv2d, image, model } from "kiln";

const channels = 8;

export default model({ input: image(3, 8, 8) }, (x) => {
  x = conv2d(x, { channels: chanels, kernel: 3 });  // error KILN1003
  return relu(x);  // error KILN1003
});
