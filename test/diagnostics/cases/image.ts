import { image, model, relu } from "kiln";

const first = model({ input: image(3, 0, 8) }, (x) => relu(x));  // error KILN2006
const second = model({ input: image(3, 8) }, (x) => relu(x));  // error KILN2012
const third = model({ input: image(3, 8, 8, { mean: [1, 2], std: 0 }) }, (x) => relu(x));  // error KILN2006, KILN2006
const fourth = model({ input: image(3, 8, 8, { means: 1 }) }, (x) => relu(x));  // error KILN2002
const fifth = model({ classes: 10 }, (x) => relu(x));  // error KILN2005
const sixth = model({ input: 3, classes: 0 }, (x) => relu(x));  // error KILN2006, KILN2006
const seventh = model({ input: image(3, 8, 8), classes: 10, class: 3 }, (x) => relu(x));  // error KILN2002, KILN2011
export default model({ input: image(3, 8, 8) }, (x) => [x]);  // error KILN2011
