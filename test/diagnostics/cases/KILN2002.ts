import { conv2d, image, model } from "kiln";

export default model({ input: image(3, 8, 8) }, (x) => {
  x = conv2d(x, { channels: 8, kernal: 3 });  // error KILN2002
  return conv2d(x, { channels: 8, kernel: 3, causal: true });  // error KILN2002
});
