import { conv2D, image, model } from "kiln";  // error KILN2001

export default model({ input: image(3, 8, 8) }, (x) => {
  x = conv2D(x, { channels: 8, kernel: 3 });
  return relux(x);  // error KILN2001
});
