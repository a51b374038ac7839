import { image, maxPool2d, model } from "kiln";

export default model({ input: image(3, 8, 8) }, (x) => {
  return maxPool2d(x, { kernel: 12, padding: 1 });  // error KILN2004
});
