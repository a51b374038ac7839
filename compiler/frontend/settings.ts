/** `--set k=v`: default parameters of a model's function, `(x, { width = 1 }) => ...`, given from outside. */
import { ts } from "ts-morph";
import { didYouMean, suggest } from "../diagnostics/suggest.ts";
import type { Machine } from "./machine.ts";
import { propertyKey } from "./patterns.ts";
import { describe, type Entry, type FunctionValue, ObjectValue, type Static, Unknown, unknown } from "./values.ts";

/** By name; text, as it comes from a command line, is read as what the default is. */
export type Settings = ReadonlyMap<string, string | number | boolean>;

/**
 * The second argument of a model's function. Reports settings that the function does not have, and values that are not
 * of the default's type. `settings` is undefined for models that no setting is meant for.
 */
export function bindSettings(m: Machine, f: FunctionValue, settings: Settings | undefined): Static {
  const parameter = f.node.parameters[1];
  if (parameter && !ts.isObjectBindingPattern(parameter.name)) {
    m.report("KILN1011", parameter, "a model's settings are not written so", {
      help: "write them in braces, with defaults: `(x, { width = 1 }) => ...`",
    });
    return unknown;
  }
  const elements = parameter ? (parameter.name as ts.ObjectBindingPattern).elements : [];
  const entries = new Map<string, Entry>();
  const names: string[] = [];
  for (const e of elements) {
    const key = propertyKey(e.propertyName ?? (e.name as ts.Identifier), f.scope, m);
    if (key === undefined) continue;
    names.push(key);
    const given = settings?.get(key);
    if (given !== undefined) {
      const fallback = e.initializer && m.evaluate(e.initializer, f.scope);
      entries.set(key, { value: readSetting(m, key, given, fallback, e), node: e });
    } else if (!e.initializer && !e.dotDotDotToken) {
      if (settings)
        m.report("KILN1011", e, `the setting \`${key}\` has no default and is not given`, {
          help: `write a default, \`${key} = ...\`, or give it: --set ${key}=...`,
        });
      entries.set(key, { value: unknown, node: e });
    }
  }
  for (const name of settings?.keys() ?? []) {
    if (names.includes(name)) continue;
    const near = didYouMean(suggest(name, names));
    const all = names.length > 0 ? `it has ${names.join(", ")}` : "it has none; write `(x, { width = 1 }) => ...`";
    m.report("KILN1010", parameter ?? f.node, `the model has no setting \`${name}\``, { help: near ?? all });
  }
  return new ObjectValue(entries);
}

const readSetting = (
  m: Machine,
  name: string,
  given: string | number | boolean,
  fallback: Static,
  node: ts.Node,
): Static => {
  if (fallback instanceof Unknown) return unknown;
  const wanted = fallback === undefined ? "undefined" : typeof fallback;
  if (typeof given === wanted) return given;
  if (typeof given === "string") {
    const number = given.trim() === "" ? Number.NaN : Number(given);
    if (wanted !== "boolean" && Number.isFinite(number)) return number;
    if (wanted !== "number" && (given === "true" || given === "false")) return given === "true";
    if (wanted === "undefined") return given;
  }
  if (wanted !== "number" && wanted !== "boolean" && wanted !== "string")
    return m.report("KILN1011", node, `the setting \`${name}\` cannot be set: its default is ${describe(fallback)}`, {
      help: "a setting is a number, a string, true or false",
    });
  const kind = wanted === "boolean" ? "true or false" : `a ${wanted}`;
  return m.report("KILN1011", node, `the setting \`${name}\` is ${describe(given)}, but must be ${kind}`, {
    help: `its default is ${describe(fallback)}`,
  });
};
