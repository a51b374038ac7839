import { image, model, relu } from "kiln";

export default model({ input: image(3, 8, 8) }, (x) => {
  const y = relu(x);
  const y = relu(x);  // error KILN1014
  return y;
});
