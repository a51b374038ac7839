import { image, model } from "kiln";
import { broken } from "./files/broken";

export default model({ input: image(3, 8, 8) }, (x) => broken(x, 3));
