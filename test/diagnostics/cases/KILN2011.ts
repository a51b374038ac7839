import { dense, flatten, image, model } from "kiln";

export default model({ input: image(3, 8, 8), classes: 10 }, (x) => {
  x = flatten(x);
  return dense(x, { units: 12 });  // error KILN2011
});
