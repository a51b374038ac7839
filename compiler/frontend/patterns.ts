/** Destructuring and parameters. */
import { ts } from "ts-morph";
import { didYouMean, suggest } from "../diagnostics/suggest.ts";
import type { Machine } from "./machine.ts";
import type { Scope } from "./scope.ts";
import {
  type Argument,
  describe,
  type Entry,
  type FunctionValue,
  isArray,
  NamespaceValue,
  ObjectValue,
  type Static,
  TensorValue,
  Unknown,
  unknown,
} from "./values.ts";

/** Every name that a pattern declares. */
export const patternNames = (name: ts.BindingName): string[] =>
  ts.isIdentifier(name)
    ? [name.text]
    : name.elements.flatMap((e) => (ts.isOmittedExpression(e) ? [] : patternNames(e.name)));

/** Declares the names of a pattern with the parts of `value`. */
export function bind(pattern: ts.BindingName, value: Static, scope: Scope, m: Machine): void {
  m.budget.spend(1);
  if (ts.isIdentifier(pattern)) scope.declare(pattern.text, value);
  else if (ts.isArrayBindingPattern(pattern)) {
    const parts = elements(value, pattern, m);
    pattern.elements.forEach((e, i) => {
      if (ts.isOmittedExpression(e)) return;
      if (e.dotDotDotToken) bind(e.name, parts ? parts.slice(i) : unknown, scope, m);
      else bind(e.name, orDefault(parts ? elementAt(parts, i, e, m) : unknown, e.initializer, scope, m), scope, m);
    });
  } else {
    const taken = new Set<string>();
    for (const e of pattern.elements) {
      if (e.dotDotDotToken) {
        bind(e.name, withoutKeys(value, taken), scope, m);
        continue;
      }
      const key = propertyKey(e.propertyName ?? (e.name as ts.Identifier), scope, m);
      if (key !== undefined) taken.add(key);
      const part = key === undefined ? unknown : property(value, key, e, m, e.initializer !== undefined);
      bind(e.name, orDefault(part, e.initializer, scope, m), scope, m);
    }
  }
}

export const orDefault = (value: Static, initializer: ts.Expression | undefined, scope: Scope, m: Machine): Static =>
  value === undefined && initializer ? m.evaluate(initializer, scope) : value;

/** What an array pattern, spread or for..of goes through; undefined (and reported) where that is not an array. */
export function elements(value: Static, node: ts.Node, m: Machine): readonly Static[] | undefined {
  if (isArray(value)) {
    m.budget.spend(value.length);
    return value;
  }
  if (value instanceof Unknown) return undefined;
  m.report("KILN1012", node, `${describe(value)} is not an array`);
  return undefined;
}

/** An element of an array. One that is missing is undefined, unless the others are tensors: then it is reported. */
export function elementAt(parts: readonly Static[], index: number, node: ts.Node, m: Machine): Static {
  if (index < parts.length || parts.length === 0 || !parts.every((p) => p instanceof TensorValue)) return parts[index];
  const count = parts.length === 1 ? "is 1 tensor" : `are ${parts.length} tensors`;
  return m.report("KILN1012", node, `there ${count}, so none at index ${index}`);
}

/** The name of a property in a literal or a pattern; undefined where it is unknown. */
export function propertyKey(name: ts.PropertyName, scope: Scope, m: Machine): string | undefined {
  if (!ts.isComputedPropertyName(name)) return ts.isBigIntLiteral(name) ? undefined : name.text;
  const key = m.evaluate(name.expression, scope);
  if (typeof key === "string" || typeof key === "number") return String(key);
  if (!(key instanceof Unknown))
    m.report("KILN1012", name.expression, `${describe(key)} cannot name a property; a string or a number can`);
  return undefined;
}

/** The entries of an object; undefined (and reported) where it is none. */
export function entriesOf(value: Static, node: ts.Node, m: Machine): ReadonlyMap<string, Entry> | undefined {
  if (value instanceof ObjectValue) {
    m.budget.spend(value.entries.size);
    return value.entries;
  }
  if (!(value instanceof Unknown)) m.report("KILN1012", node, `${describe(value)} is not an object`);
  return undefined;
}

/** A property of an object. One that is missing is undefined, unless another is nearly called so: then it is reported. */
export function property(value: Static, key: string, node: ts.Node, m: Machine, optional = false): Static {
  if (value instanceof NamespaceValue) {
    if (value.members.has(key)) return value.members.get(key);
    const near = suggest(key, value.members.keys());
    return m.report(value.missing, node, `in a model file ${value.name} has no \`${key}\``, {
      help: didYouMean(near) ?? `it has ${[...value.members.keys()].join(", ")}`,
    });
  }
  const entries = entriesOf(value, node, m);
  if (!entries) return unknown;
  const entry = entries.get(key);
  if (entry) return entry.value;
  const near = suggest(key, entries.keys());
  if (near === undefined || optional) return undefined;
  return m.report("KILN1012", node, `the object has no property \`${key}\``, { help: didYouMean(near) });
}

const withoutKeys = (value: Static, keys: ReadonlySet<string>): Static =>
  value instanceof ObjectValue
    ? new ObjectValue(new Map([...value.entries].filter(([key]) => !keys.has(key))))
    : unknown;

/** Gives a function's parameters their arguments or defaults. */
export function bindParameters(
  f: FunctionValue,
  args: readonly Argument[],
  call: ts.Node,
  scope: Scope,
  m: Machine,
): void {
  const { parameters } = f.node;
  const most = parameters.some((p) => p.dotDotDotToken) ? Number.POSITIVE_INFINITY : parameters.length;
  const least = parameters.filter((p) => !p.initializer && !p.questionToken && !p.dotDotDotToken).length;
  const fits = args.length >= least && args.length <= most;
  if (!fits) {
    const names = parameters.map((p) => p.name.getText()).join(", ");
    m.report("KILN1012", call, `\`${f.name}\` takes ${count(least, most)} (${names}), but gets ${args.length}`);
  }
  parameters.forEach((p, i) => {
    if (p.dotDotDotToken)
      bind(
        p.name,
        args.slice(i).map((a) => a.value),
        scope,
        m,
      );
    else if (i >= args.length && !fits && !p.initializer) bind(p.name, unknown, scope, m);
    else bind(p.name, orDefault(args[i]?.value, p.initializer, scope, m), scope, m);
  });
}

const count = (least: number, most: number): string => {
  const number =
    least === most ? `${least}` : most === Number.POSITIVE_INFINITY ? `at least ${least}` : `${least} to ${most}`;
  return `${number} argument${number === "1" ? "" : "s"}`;
};
