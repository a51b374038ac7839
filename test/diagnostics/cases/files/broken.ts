import type { Tensor } from "kiln";

export const broken = (x: Tensor => x;  // error KILN1001
