/** The block of uniforms that every kernel sees, whatever language it is printed in. */
import type { UniformName } from "./scalar.ts";

/** The uniform block of every kernel: the same fields in the same order in all of them. */
export const uniformFields: readonly { readonly name: UniformName; readonly type: "u32" | "i32" | "f32" }[] = [
  { name: "seed", type: "u32" },
  { name: "step", type: "u32" },
  { name: "lr", type: "f32" },
  { name: "momentum", type: "f32" },
  { name: "weightDecay", type: "f32" },
  { name: "pictureHeight", type: "i32" },
  { name: "pictureWidth", type: "i32" },
];
