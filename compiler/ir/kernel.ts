/**
 * The `kernels` stage: loop nests with a schedule, knowing no language.
 *
 * One invocation's program. Loops are serial or unrolled; register arrays are indexed by what is constant once loops
 * are unrolled; buffers are indexed in elements of their own width. Verified (verifyKernel): no barrier and no broadcast
 * under control flow that depends on the lane; every index provably inside its buffer or guarded; fits the target.
 */
import type { Group } from "./fused.ts";
import type { BinaryOp, ScalarType, UnaryOp, UniformName } from "./scalar.ts";
import type { DType, SourceLocation, Value } from "./types.ts";

/** Lanes of a value inside one invocation: a scalar or a vector of four. */
export type Width = 1 | 4;

export interface KernelType {
  readonly dtype: ScalarType;
  readonly width: Width;
}

/** subgroupLane needs the feature `subgroups`; local is the index inside the workgroup. */
export type Builtin = "workgroup.x" | "workgroup.y" | "workgroup.z" | "local" | "subgroupLane";

export type KernelExpr = KernelType &
  (
    | { readonly kind: "constant"; readonly value: number }
    /** A `let`, or a loop's variable. */
    | { readonly kind: "variable"; readonly name: string }
    | { readonly kind: "register"; readonly name: string; readonly index: readonly KernelExpr[] }
    | { readonly kind: "builtin"; readonly name: Builtin }
    /** index counts elements of the buffer's width; of a texture, texels. */
    | { readonly kind: "load"; readonly buffer: string; readonly index: KernelExpr }
    | { readonly kind: "sharedLoad"; readonly array: string; readonly index: KernelExpr }
    | { readonly kind: "uniform"; readonly name: UniformName }
    /** The value that another lane of the subgroup has; lane is constant once loops are unrolled. */
    | { readonly kind: "broadcast"; readonly value: KernelExpr; readonly lane: KernelExpr }
    /** One component of a vector. */
    | { readonly kind: "component"; readonly of: KernelExpr; readonly index: KernelExpr }
    | { readonly kind: "vector"; readonly parts: readonly KernelExpr[] }
    | { readonly kind: "splat"; readonly of: KernelExpr }
    | { readonly kind: "unary"; readonly op: UnaryOp; readonly a: KernelExpr }
    /** On i32, div and mod truncate; the scheduler emits them on values it knows to be non-negative. */
    | { readonly kind: "binary"; readonly op: BinaryOp | "mod"; readonly a: KernelExpr; readonly b: KernelExpr }
    | { readonly kind: "fma"; readonly a: KernelExpr; readonly b: KernelExpr; readonly c: KernelExpr }
    | {
        readonly kind: "select";
        readonly condition: KernelExpr;
        readonly a: KernelExpr;
        readonly b: KernelExpr;
      }
    /** Threefry 2x32, see Scalar.random. element is u32. */
    | { readonly kind: "random"; readonly stream: number; readonly element: KernelExpr }
  );

export type Statement =
  | { readonly kind: "let"; readonly name: string; readonly value: KernelExpr }
  /** A register array (shape [] is one register); starts at `initial`. */
  | {
      readonly kind: "registers";
      readonly name: string;
      readonly type: KernelType;
      readonly shape: readonly number[];
      readonly initial: number;
      /** An array of one dimension that may be indexed by what varies: kept in memory rather than in registers. */
      readonly indexed?: boolean;
    }
  | {
      readonly kind: "assign";
      readonly register: string;
      readonly index: readonly KernelExpr[];
      readonly value: KernelExpr;
    }
  | { readonly kind: "store"; readonly buffer: string; readonly index: KernelExpr; readonly value: KernelExpr }
  | { readonly kind: "sharedStore"; readonly array: string; readonly index: KernelExpr; readonly value: KernelExpr }
  | {
      readonly kind: "for";
      readonly variable: string;
      /** from <= variable < to, i32. */
      readonly from: KernelExpr;
      readonly to: KernelExpr;
      readonly step: number;
      /** Unrolled: from and to are constants, and register indices may use the variable. */
      readonly unroll: boolean;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: "if";
      readonly condition: KernelExpr;
      readonly then: readonly Statement[];
      readonly otherwise?: readonly Statement[];
    }
  /** All invocations of the workgroup, and their workgroup memory. */
  | { readonly kind: "barrier" };

/**
 * Where a kernel finds a tensor. A texture is a copy that is only read, four elements at once: its loads are several
 * times as cheap on a driver whose buffer loads check every lane's address.
 */
export type Storage = "buffer" | "texture";

export interface KernelBuffer {
  /** Name inside the kernel. */
  readonly name: string;
  readonly value: Value;
  readonly dtype: DType;
  /** Width of an element: a buffer of width 4 is indexed in vectors. */
  readonly width: Width;
  /** Number of elements of that width. */
  readonly length: number;
  readonly reads: boolean;
  readonly writes: boolean;
  /** A buffer where not said. */
  readonly storage?: Storage;
}

export interface SharedArray {
  readonly name: string;
  readonly type: KernelType;
  readonly length: number;
}

/** How the kernel was scheduled, as data: printed in dumps and recorded in the artifact. */
export interface Schedule {
  readonly kind: "map" | "contraction" | "transform";
  readonly [parameter: string]: string | number | boolean;
}

export interface Kernel {
  readonly name: string;
  readonly workgroupSize: number;
  readonly workgroups: readonly [number, number, number];
  /** Needs the subgroup size fixed at this number. */
  readonly subgroupSize?: number;
  readonly buffers: readonly KernelBuffer[];
  readonly shared: readonly SharedArray[];
  readonly uniforms: readonly UniformName[];
  readonly body: readonly Statement[];
  readonly schedule: Schedule;
  readonly locations: readonly SourceLocation[];
  readonly ops: readonly string[];
  /** The group's; absent where its definitions are computed as they stand. */
  readonly algorithm?: string;
  /** Name of the kernel that this one is a further run of. Told to people, and left out of text. */
  readonly copyOf?: string;
  /** Of the definition as it stands; a multiply-add counts two. */
  readonly operations: number;
  /** What is executed where tiles are padded; absent where that is the same. */
  readonly executedOperations?: number;
  /** Pairs [written, read] of the same bytes where every element is read only by the invocation that writes it, before
   * it does: the written value may take the read one's place. */
  readonly inPlace: readonly (readonly [written: Value, read: Value])[];
}

export interface ScheduledGroup {
  readonly group: Group;
  readonly kernel: Kernel;
}
