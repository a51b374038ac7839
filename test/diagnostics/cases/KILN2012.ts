import { add, image, model, relu } from "kiln";

export default model({ input: image(3, 8, 8) }, (x) => {
  x = relu(x, x);  // error KILN2012
  return add(x);  // error KILN2012
});
