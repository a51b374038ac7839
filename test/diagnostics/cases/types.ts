import { image, model, relu, type Tenser } from "kiln";  // error KILN2001

interface Size { width: number }

export default model({ input: image(3, 8, 8) }, (x: Tenser) => relu(Size));  // error KILN1003
