import { image, model } from "kiln";
import { bloc } from "./files/block";  // error KILN1005

export default model({ input: image(3, 8, 8) }, (x) => bloc(x, 8));
