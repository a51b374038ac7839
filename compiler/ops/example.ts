/** The examples of op files: `conv2d(x: [2,3,8,8], { channels: 4, kernel: 3 }) -> [2,4,6,6]`, or `-> KILN2004`. */

import type { OptionValue } from "../ir/graph.ts";
import { f32, type TensorType } from "../ir/types.ts";
import { type OpDefinition, readOptions } from "./define.ts";
import { fillOptions } from "./shapeRule.ts";

export interface Example {
  readonly op: string;
  /** Shapes of the inputs that a model file passes, by name; of a list an array of shapes. */
  readonly inputs: Readonly<Record<string, readonly number[] | readonly (readonly number[])[]>>;
  readonly options: Readonly<Record<string, OptionValue>>;
  /** Shape of the first output, or the code of the diagnostic. */
  readonly result: readonly number[] | string;
}

/** Throws where the text is not of that form. */
export const parseExample = (text: string): Example => {
  const match = /^(\w+)\((.*?)(?:,? ?\{ (.*) \})?\) -> (?:(\[.*\])|(KILN\d{4}))$/.exec(text);
  if (!match) throw new Error(`not an example of an op: ${text}`);
  const [, op, inputs, options = "", shape, code] = match;
  const record = (entries: string) => JSON.parse(`{${entries.replace(/(\w+):/g, '"$1":')}}`);
  return { op, inputs: record(inputs), options: record(options), result: code ?? JSON.parse(shape) };
};

/** The types of an example's inputs, f32 all of them. */
export const exampleTypes = ({ inputs }: Example): Record<string, TensorType | TensorType[]> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, shape]) => [
      name,
      Array.isArray(shape[0])
        ? (shape as readonly (readonly number[])[]).map((s) => f32(...s))
        : f32(...(shape as readonly number[])),
    ]),
  );

/** The state that an op brings along, as in its first example. */
export const exampleParameters = (definition: OpDefinition) => {
  if (!definition.parameters) return {};
  const example = parseExample(definition.good[0]);
  return definition.parameters(
    exampleTypes(example) as Record<string, TensorType>,
    readOptions(definition, fillOptions(definition, example.options)),
  );
};
