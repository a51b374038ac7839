/** What an expression of a model file may evaluate to. */
import type { ts } from "ts-morph";
import type { DiagnosticCode } from "../diagnostics/codes.ts";
import type { ImageInput } from "../ir/graph.ts";
import { formatType, type Value } from "../ir/types.ts";
import type { OpDefinition } from "../ops/define.ts";
import type { Machine } from "./machine.ts";
import type { Scope } from "./scope.ts";

/** The value of an expression in which a mistake was reported. Whatever is computed from it is unknown and silent. */
export class Unknown {
  /** Sets it apart from other objects in the type system. */
  readonly kind = "unknown";
}
export const unknown = new Unknown();

/** An object literal; `node` is where each property was written. */
export class ObjectValue {
  constructor(readonly entries: ReadonlyMap<string, Entry>) {}
}
export interface Entry {
  readonly value: Static;
  readonly node: ts.Node;
}

/** `Math`, or `import * as name`. */
export class NamespaceValue {
  constructor(
    readonly name: string,
    readonly members: ReadonlyMap<string, Static>,
    /** What a name that is not among them is reported as. */
    readonly missing: DiagnosticCode,
  ) {}
}

/** A function written in a model file, and the scope that it closes over. */
export class FunctionValue {
  constructor(
    readonly node: ts.ArrowFunction | ts.FunctionExpression | ts.FunctionDeclaration,
    readonly scope: Scope,
    readonly name: string,
  ) {}
}

/** A function that Kiln brings along: `image`, `model`, `Math.floor`. */
export class BuiltinValue {
  constructor(
    readonly name: string,
    readonly apply: (args: readonly Argument[], call: ts.CallExpression, m: Machine) => Static,
  ) {}
}
export interface Argument {
  readonly value: Static;
  readonly node: ts.Expression;
}

export class OpValue {
  constructor(readonly definition: OpDefinition) {}
}

export class TensorValue {
  constructor(
    readonly value: Value,
    /** The model it is part of. */
    readonly owner: object,
    /** The call that made it. */
    readonly node: ts.Node,
  ) {}
}

export class ImageValue {
  constructor(readonly image: ImageInput) {}
}

/** A call of `model`: its function is evaluated when the file has been read. */
export class ModelValue {
  constructor(
    readonly call: ts.CallExpression,
    readonly image: ImageInput | undefined,
    readonly classes: { readonly count: number; readonly node: ts.Node } | undefined,
    readonly body: Argument | undefined,
  ) {}
}

/** What `import ... from "kiln"` finds. */
export interface KilnExports {
  readonly values: ReadonlyMap<string, Static>;
  readonly types: ReadonlySet<string>;
}

export type Primitive = number | string | boolean | null | undefined;

export type Static =
  | Primitive
  | readonly Static[]
  | Unknown
  | ObjectValue
  | NamespaceValue
  | FunctionValue
  | BuiltinValue
  | OpValue
  | TensorValue
  | ImageValue
  | ModelValue;

export const isArray = (value: Static): value is readonly Static[] => Array.isArray(value);

export const isPrimitive = (value: Static): value is Primitive => value === null || typeof value !== "object";

const shownElements = 8;

/** `3`, `"relu"`, `[1, 2]`, `a tensor f32[64,96,54,54]`, `a function`: for messages. */
export function describe(value: Static): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (isPrimitive(value)) return String(value);
  if (isArray(value)) {
    const short = value.length <= shownElements && value.every(isPrimitive);
    return short ? `[${value.map(describe).join(", ")}]` : `an array of ${value.length}`;
  }
  if (value instanceof TensorValue) return `a tensor ${formatType(value.value.type)}`;
  if (value instanceof OpValue) return `the op ${value.definition.name}`;
  if (value instanceof FunctionValue || value instanceof BuiltinValue)
    return `the function ${value.name || "() => ..."}`;
  if (value instanceof ImageValue) return "an image";
  if (value instanceof ModelValue) return "a model";
  if (value instanceof NamespaceValue) return value.name;
  return "an object";
}
