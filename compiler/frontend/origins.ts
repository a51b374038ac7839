/** Where tensors come from, with the arithmetic of their sizes: what a message about shapes is explained with. */
import type { Related } from "../diagnostics/diagnostic.ts";
import type { Node } from "../ir/graph.ts";
import { formatType, type Value } from "../ir/types.ts";
import type { ModelBuilder } from "./modelBuilder.ts";
import { placeOf } from "./reporter.ts";
import type { TensorValue } from "./values.ts";

/** For each tensor the place that made it. A single one is only worth it where there is arithmetic to show. */
export function origins(tensors: readonly TensorValue[], model: ModelBuilder): Related[] {
  const explained = tensors.map((tensor) => ({ tensor, sum: arithmetic(tensor.value, model) }));
  return explained
    .filter(({ sum }) => tensors.length > 1 || sum !== undefined)
    .map(({ tensor: { value, node }, sum }) => ({
      place: placeOf(node),
      message: `${formatType(value.type)} ${value === model.input ? "enters" : "is made"} here${sum === undefined ? "" : `: ${sum}`}`,
    }));
}

/** `(54 + 2*0 - 3)/2 + 1 = 26`, for height and width, where a window made the tensor; undefined elsewhere. */
const arithmetic = (value: Value, model: ModelBuilder): string | undefined => {
  const node = windowNode(value, model);
  if (!node) return undefined;
  const { kernel, stride, padding, dilation = [1, 1] } = node.options as Record<string, readonly number[]>;
  const { shape } = (Object.values(node.inputs)[0] as Value).type;
  const sides = [0, 1].map((side) => {
    const reach = dilation[side] === 1 ? `${kernel[side]}` : `${dilation[side]}*(${kernel[side]} - 1) - 1`;
    const room = shape[2 + side] + 2 * padding[side] - dilation[side] * (kernel[side] - 1) - 1;
    const quotient = `(${shape[2 + side]} + 2*${padding[side]} - ${reach})/${stride[side]}`;
    const whole = room % stride[side] === 0;
    return `${whole ? quotient : `floor(${quotient})`} + 1 = ${Math.floor(room / stride[side]) + 1}`;
  });
  return sides[0] === sides[1] ? sides[0] : `height ${sides[0]}, width ${sides[1]}`;
};

/** The convolution or pool that made a value, maybe with an activation of the same call behind it. */
const windowNode = (value: Value, model: ModelBuilder): Node | undefined => {
  const node = model.producer(value);
  if (!node) return undefined;
  const { kernel, stride, padding } = node.options;
  if (Array.isArray(kernel) && Array.isArray(stride) && Array.isArray(padding)) return node;
  const before = model.producer(Object.values(node.inputs)[0] as Value);
  const { line, column } = node.location ?? {};
  const sameCall = before && before.location?.line === line && before.location?.column === column;
  return sameCall ? windowNode(Object.values(node.inputs)[0] as Value, model) : undefined;
};
