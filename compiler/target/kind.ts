import type { Target } from "../../runtime/program/schema.ts";

/** Kernels run on the processor, by a driver's compiler or by WebAssembly's: few cores, and caches to be kept. */
export const isSoftware = (target: Target): boolean => ["lavapipe", "swiftshader", "wasm"].includes(target.class);

/** A workgroup is one invocation, whose vectors of four are all the lanes that there are. */
export const vectorsAreLanes = (target: Target): boolean => target.class === "wasm";
