import { conv2d, dropout, image, model } from "kiln";

export default model({ input: image(3, 8, 8) }, (x) => {
  x = conv2d(x, { channels: "8", kernel: 3 });  // error KILN2006
  x = conv2d(x, { channels: 8, kernel: 3, stride: 0 });  // error KILN2006
  x = conv2d(x, { channels: 8, kernel: [3, 3, 3] });  // error KILN2006
  x = conv2d(x, { channels: 8 * 1.2, kernel: 3 });  // error KILN2006
  x = conv2d(x, { channels: 8, kernel: 3, activation: "rellu" });  // error KILN2006
  return dropout(x, { rate: 1 });  // error KILN2006
});
