import { add, image, model, relu } from "kiln";

export default model({ input: image(3, 8, 8) }, (x) => {
  const z = add(x, y);  // error KILN1015
  const y = relu(x);
  return z;
});
