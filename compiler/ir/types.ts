/** What every stage of the IR shares: element types, tensor types, source locations. */

export type DType = "f32" | "i32" | "u32";

/** Bytes of one element; every type that a storage buffer holds has four. */
export const bytesPerElement = 4;

export interface TensorType {
  readonly dtype: DType;
  /** Row-major logical shape. Images are [N, C, H, W] whatever the physical layout; scalars are []. */
  readonly shape: readonly number[];
}

/** A place in a model file; line and column count from 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** An SSA value. Compared by identity; names are unique within one program. */
export interface Value {
  readonly name: string;
  readonly type: TensorType;
  /** Of a value that is stored inside another one. */
  readonly part?: Part;
}

/**
 * Rows of a value that has its first dimension outermost in memory: from row `from`, as many as the part's first extent.
 * Whoever stores the parts, all rows once, has stored the whole.
 */
export interface Part {
  readonly of: Value;
  readonly from: number;
}

export const tensorType = (dtype: DType, shape: readonly number[]): TensorType => ({ dtype, shape });
export const f32 = (...shape: number[]): TensorType => ({ dtype: "f32", shape });

/** Number of elements; 1 for a scalar. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** `f32[64,96,54,54]` */
export const formatType = (t: TensorType): string => `${t.dtype}[${t.shape.join(",")}]`;

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((extent, i) => extent === b[i]);

export const sameType = (a: TensorType, b: TensorType): boolean => a.dtype === b.dtype && sameShape(a.shape, b.shape);
