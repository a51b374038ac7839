/** Logical tensors are row-major; in memory the compiler may keep dimensions in another order, without padding. */

/** Number of elements of a shape; 1 for []. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

type Numbers = Float32Array | Int32Array | Uint32Array;

/** Row-major `values` of `shape` in physical order: dimension `layout[0]` varies slowest. The array itself where the order
 * is the same. */
export function toPhysical<T extends Numbers>(values: T, shape: readonly number[], layout: readonly number[]): T {
  return reorder(values, shape, layout, true);
}

/** The inverse of `toPhysical`. */
export function toLogical<T extends Numbers>(values: T, shape: readonly number[], layout: readonly number[]): T {
  return reorder(values, shape, layout, false);
}

function reorder<T extends Numbers>(
  values: T,
  shape: readonly number[],
  layout: readonly number[],
  forward: boolean,
): T {
  const order = layout.filter((d) => shape[d] !== 1); // dimensions of 1 do not move anything
  if (order.every((d, i) => i === 0 || order[i - 1] < d)) return values;

  const strides = new Array<number>(shape.length);
  for (let d = shape.length - 1, stride = 1; d >= 0; stride *= shape[d--]) strides[d] = stride;

  const out = new (values.constructor as new (length: number) => T)(values.length);
  const inner = order[order.length - 1];
  const innerStride = strides[inner];
  const outer = order.slice(0, -1);
  const at = outer.map(() => 0);
  for (let physical = 0, logical = 0; physical < values.length; ) {
    for (let i = 0, l = logical; i < shape[inner]; i++, physical++, l += innerStride) {
      if (forward) out[physical] = values[l];
      else out[l] = values[physical];
    }
    for (let k = outer.length - 1; k >= 0; k--) {
      logical += strides[outer[k]];
      if (++at[k] < shape[outer[k]]) break;
      logical -= strides[outer[k]] * at[k];
      at[k] = 0;
    }
  }
  return out;
}
