import { readFileSync } from "node:fs";  // error KILN1004
import { image, model } from "kiln";
import { block } from "./files/blok";  // error KILN1004

export default model({ input: image(3, 8, 8) }, (x) => block(x, readFileSync("weights")));
