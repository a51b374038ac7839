import { add, conv2d, image, model } from "kiln";

export default model({ input: image(3, 54, 54) }, (x) => {
  const y = conv2d(x, { channels: 3, kernel: 3 });
  return add(x, y);  // error KILN2003
});
