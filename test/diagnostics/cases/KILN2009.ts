import { conv2d, image, model } from "kiln";

export default model({ input: image(3, 8, 8) }, (x) => {
  x = conv2d(x, { channels: 8, kernel: 3, name: "stem" });
  return conv2d(x, { channels: 8, kernel: 3, name: "stem" });  // error KILN2009
});
