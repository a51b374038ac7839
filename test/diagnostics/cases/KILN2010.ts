import { add, image, model, relu, type Tensor } from "kiln";

let shared: Tensor;

const other = model({ input: image(3, 8, 8) }, (x) => {
  shared = relu(x);
  return shared;
});

export default model({ input: image(3, 8, 8) }, (x) => add(x, shared));  // error KILN2010
