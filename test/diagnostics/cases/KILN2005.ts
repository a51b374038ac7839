import { conv2d, image, maxPool2d, model } from "kiln";

export default model({ input: image(3, 8, 8) }, (x) => {
  x = conv2d(x, { channels: 8 });  // error KILN2005
  return maxPool2d(x);  // error KILN2005
});
