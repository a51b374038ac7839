import { add, conv2d, image, model, relu } from "kiln";

const sizes = { small: 8, large: 16 };
const depth = "two";

export default model({ input: image(3, 8, 8) }, (x) => {
  for (const channels of sizes) x = conv2d(x, { channels, kernel: 3 });  // error KILN1012
  x = conv2d(x, { channels: sizes.lage, kernel: 3 });  // error KILN1012
  x = conv2d(x, { channels: depth * 2, kernel: 3 });  // error KILN1012
  x = sizes(x);  // error KILN1012
  const y = relu(relu(1 + x));
  return add(x, y);
});
