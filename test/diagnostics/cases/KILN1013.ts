import { image, model, relu } from "kiln";

export default model({ input: image(3, 8, 8) }, (x) => {
  const y = relu(x);
  y = relu(y);  // error KILN1013
  return y;
});
