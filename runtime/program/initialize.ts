import { KilnError } from "./error.ts";
import { elementCount } from "./layout.ts";
import { uniform } from "./random.ts";
import type { ProgramState } from "./schema.ts";

/** MXNet's Xavier(rnd_type="uniform", factor_type="avg", magnitude=2.24), the tutorial's. */
const magnitude = 2.24;

/** Half the width of Xavier's uniform distribution: sqrt(2.24 / ((fanIn + fanOut) / 2)), with fanIn = shape[1] *
 * receptive field and fanOut = shape[0] * receptive field, as MXNet defines them. */
export function xavierScale(shape: readonly number[]): number {
  const receptive = elementCount(shape.slice(2));
  return Math.sqrt(magnitude / ((receptive * (shape[0] + shape[1])) / 2));
}

/** Initial values of a state tensor, row-major in its logical shape. `ordinal` numbers the parameters of a program from 0;
 * element i of parameter p is drawn from key (seed, 0) and counter (i, p). */
export function initialValues(
  state: Pick<ProgramState, "name" | "shape" | "initializer">,
  seed: number,
  ordinal: number,
): Float32Array {
  const values = new Float32Array(elementCount(state.shape));
  if (state.initializer.kind === "constant") return values.fill(state.initializer.value);
  if (state.shape.length < 2)
    throw new KilnError(
      "artifact",
      `${state.name}: xavier needs a shape of two dimensions or more, not [${state.shape}]`,
    );
  const scale = xavierScale(state.shape);
  for (let i = 0; i < values.length; i++) values[i] = (2 * uniform(seed, 0, i, ordinal) - 1) * scale;
  return values;
}
