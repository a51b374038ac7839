import * as kiln from "kiln";
import { concat, conv2d, image, model, relu, split, type Tensor } from "kiln";
import old = require("./old");  // error KILN1002

const lost = (x: Tensor) => {
  relu(x);
};

export default model({ input: image(4, 8, 8) }, (x) => {
  const halves = split(x, { sections: 2, axis: 1 }, undefined);
  relu(lost(x));  // error KILN2006
  relu(halves);  // error KILN2006
  relu(halves[2]);  // error KILN1012
  concat(x, { axis: 1 });  // error KILN2006
  concat([], { axis: 1 });  // error KILN2006
  conv2d(x, 8, 3);  // error KILN2012
  conv2d({ channels: 8, kernel: 3 });  // error KILN2012
  conv2d(x, { channels: 8, kernel: 3, name: "stem 1", bias: 0 });  // error KILN2006, KILN2006
  kiln.conv3d(x);  // error KILN2001
  relu(model);  // error KILN2006
  x(halves);  // error KILN1012
  const sum = x * 2;  // error KILN1012
  return old(x);
});
