import { image, model, relu } from "kiln";

export default model({ input: image(3, 8, 8) }, (x) => {
  let sum = 0;
  for (let i = 0; i < 1e9; i++) {  // error KILN1008
    sum += i;
  }
  return relu(x);
});
