import type { Tensor } from "kiln";
import { first } from "./cycle-a";  // error KILN1006

export const second = (x: Tensor): Tensor => first(x);
