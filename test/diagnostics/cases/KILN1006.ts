import { image, model } from "kiln";
import { first } from "./files/cycle-a";

export default model({ input: image(3, 8, 8) }, (x) => first(x));
