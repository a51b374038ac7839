import type { Target } from "../../runtime/program/schema.ts";

/** A driver that runs kernels on the processor: loads are dear, and so is compiling long code. */
export const isSoftware = (target: Target): boolean => target.class === "lavapipe" || target.class === "swiftshader";
