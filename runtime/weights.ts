import { KilnError } from "./program/error.ts";
import { type StoredTensor, toFloat32 } from "./program/safetensors.ts";
import type { Program } from "./program/schema.ts";

/** Tensors by the names of the program's state, row-major: what `parseSafetensors(...).tensors` gives. */
export type Weights = ReadonlyMap<string, StoredTensor>;

/**
 * The values of a program's state that `weights` gives, row-major. Parameters and statistics must all be there,
 * velocities may be; nothing else may. Throws KilnError that lists what does not fit.
 */
export function matchWeights(program: Program, weights: Weights): Map<string, Float32Array> {
  const problems: string[] = [];
  const values = new Map<string, Float32Array>();
  for (const { name, shape, role } of program.state) {
    const tensor = weights.get(name);
    if (!tensor) {
      if (role !== "velocity") problems.push(`${name} is missing`);
    } else if (tensor.shape.join() !== shape.join())
      problems.push(`${name} is [${tensor.shape.join(", ")}], the model's is [${shape.join(", ")}]`);
    else values.set(name, toFloat32(tensor, name));
  }
  const known = new Set(program.state.map((state) => state.name));
  for (const name of weights.keys()) if (!known.has(name)) problems.push(`the model has no ${name}`);
  if (problems.length > 0) {
    const shown = problems.slice(0, 5).join("; ");
    const more = problems.length > 5 ? `; and ${problems.length - 5} more` : "";
    throw new KilnError("artifact", `the weights do not fit the model ${program.model.name}: ${shown}${more}`);
  }
  return values;
}
