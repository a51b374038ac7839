import { conv2d, image, model } from "kiln";

export default model({ input: image(3, 8, 8) }, (x, { width }) => conv2d(x, { channels: width, kernel: 3 }));  // error KILN1011
