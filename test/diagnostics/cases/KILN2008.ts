import { conv2d, dense, image, model } from "kiln";

export default model({ input: image(3, 8, 8), classes: 10 }, (x) => {
  x = conv2d(x, { channels: 8, kernel: 3 });
  return dense(x, { units: 10 });  // error KILN2008
});
