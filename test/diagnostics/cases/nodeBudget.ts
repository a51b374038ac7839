import { image, maxPool2d, model, relu } from "kiln";

export default model({ input: image(3, 8, 8) }, (x) => {
  for (let i = 0; i < 1e9; i++) x = relu(x);  // error KILN1008
  const y = relu(x);
  return maxPool2d(y, { kernl: 2 });  // error KILN2002
});
