import { conv2d, image, model } from "kiln";

export default model({ input: image(3, 8, 8) }, (x) => {
  return conv2d(x, { channels: 8, kernel: 3, groups: 2 });  // error KILN2007
});
