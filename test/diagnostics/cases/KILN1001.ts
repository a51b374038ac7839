import { image, model, relu } from "kiln";

export default model({ input: image(3, 8, 8) }, (x) => {
  const y = relu(x;  // error KILN1001
  return y;
});
