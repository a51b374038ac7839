import { image, model, relu } from "kiln";

const network = model({ input: image(3, 8, 8) }, (x) => relu(x));  // error KILN1009
