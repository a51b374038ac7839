// set width=2
import { image, model, relu } from "kiln";

export default model({ input: image(3, 8, 8) }, (x) => relu(x));  // error KILN1010
