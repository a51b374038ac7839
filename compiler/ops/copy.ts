/** The value itself, in storage of its own: for an output that would otherwise be an input. */

import { innerOp, tensor } from "./define.ts";

export const copy = innerOp("copy", {
  summary: "The tensor itself, in storage of its own.",
  inputs: { x: tensor() },
  outputs: ({ x }) => ({ y: x }),
  compute: ({ x }, _, k) => ({ y: k.map(x.shape, (i) => x.at(...i)) }),
  gradient: ({ cotangent }) => ({ x: () => cotangent }),
});
