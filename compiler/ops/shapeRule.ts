/** From inputs and options to an op's output types: what the front end, autodiff and the verifier share. */

import type { OptionValue } from "../ir/graph.ts";
import { formatType, type TensorType } from "../ir/types.ts";
import { type InputSpec, type OpDefinition, OpError, readOptions } from "./define.ts";

export type InputTypes = Readonly<Record<string, TensorType | readonly TensorType[] | undefined>>;

/** Every option in stored form, in the op's order: a number given for a pair doubled, defaults filled in. */
export const fillOptions = (
  definition: OpDefinition,
  given: Readonly<Record<string, OptionValue>>,
): Record<string, OptionValue> => {
  const stored: Record<string, OptionValue> = {};
  for (const [name, spec] of Object.entries(definition.options)) {
    let value = given[name];
    if (value === undefined) {
      const fallback = spec.default;
      if (fallback === undefined) throw new Error(`${definition.name}: option ${name} is missing`);
      value = typeof fallback === "object" && "same" in fallback ? stored[fallback.same] : fallback;
    }
    stored[name] = spec.type === "pair" && typeof value === "number" ? [value, value] : value;
  }
  return stored;
};

const rankNames: Record<number, string> = {
  0: "a scalar []",
  1: "a vector [C]",
  2: "a matrix [N, F]",
  4: "an image [N, C, H, W]",
};

const checkRank = (op: string, name: string, spec: InputSpec, type: TensorType): void => {
  if (!spec.rank || spec.rank.includes(type.shape.length)) return;
  const wanted = spec.rank.map((rank) => rankNames[rank] ?? `a tensor of ${rank} axes`).join(" or ");
  throw new OpError("KILN2008", `${op}: ${name} is ${formatType(type)}, but must be ${wanted}`, spec.help);
};

/**
 * The op's output types by name. `inputs` holds what is known so far: inputs that are parameters may be absent.
 * Throws OpError where the inputs do not fit the op.
 */
export const inferTypes = (
  definition: OpDefinition,
  inputs: InputTypes,
  stored: Readonly<Record<string, OptionValue>>,
): Record<string, TensorType> => {
  for (const [name, spec] of Object.entries(definition.inputs)) {
    const given = inputs[name];
    for (const type of Array.isArray(given) ? given : given ? [given] : [])
      checkRank(definition.name, name, spec, type);
  }
  return definition.outputs(inputs as Readonly<Record<string, TensorType>>, readOptions(definition, stored));
};
