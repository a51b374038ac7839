/** Checks what a model file passes in braces: to ops, `model` and `image`. */
import type { ts } from "ts-morph";
import type { Related } from "../diagnostics/diagnostic.ts";
import { didYouMean, suggest } from "../diagnostics/suggest.ts";
import type { OptionValue } from "../ir/graph.ts";
import type { OpDefinition, OptionSpec } from "../ops/define.ts";
import type { Machine } from "./machine.ts";
import { placeOf } from "./reporter.ts";
import { describe, type Entry, isArray, type ObjectValue, type Static, Unknown } from "./values.ts";

/** An option that was given, and where. */
export interface Given extends Entry {
  /** What is underlined: the option where it stands inside of the call, else what brought it there. */
  readonly at: ts.Node;
  readonly related: readonly Related[];
}

export interface GivenOptions {
  /** By name; those whose value is undefined are left out. */
  readonly given: ReadonlyMap<string, Given>;
  /** False where an option is called so that nobody knows what was meant. */
  readonly known: boolean;
}

/** The options given. An unknown one is reported; where it is nearly called like another, it counts as that one. */
export function knownOptions(
  m: Machine,
  of: string,
  object: ObjectValue,
  at: ts.Node,
  names: readonly string[],
): GivenOptions {
  const given = new Map<string, Given>();
  let known = true;
  for (const [key, entry] of object.entries) {
    const inside =
      at.getSourceFile() === entry.node.getSourceFile() && at.pos <= entry.node.pos && entry.node.end <= at.end;
    const related = inside ? [] : [{ place: placeOf(entry.node), message: `\`${key}\` is given here` }];
    const option: Given = { ...entry, at: inside ? entry.node : at, related };
    if (names.includes(key)) {
      if (entry.value !== undefined) given.set(key, option);
      continue;
    }
    const meant = suggest(
      key,
      names.filter((name) => !object.entries.has(name)),
    );
    const near = meant ?? suggest(key, names);
    const all = names.length > 0 ? `its options are ${names.join(", ")}` : `${of} takes no options`;
    m.report("KILN2002", option.at, `${of} has no option \`${key}\``, { help: didYouMean(near) ?? all, related });
    if (meant !== undefined) given.set(meant, option);
    else known = false;
  }
  return { given, known };
}

/** The options that a model file may give to an op. */
export const optionNames = ({ options, sugar, parameters }: OpDefinition): string[] => [
  ...Object.keys(options).filter((name) => !options[name].hidden),
  ...(sugar ?? []),
  ...(parameters ? ["name"] : []),
];

/** Reports options that must be given and are not. */
export function reportMissing(m: Machine, of: string, missing: ReadonlyMap<string, string>, at: ts.Node): void {
  if (missing.size === 0) return;
  const names = [...missing.keys()].map((name) => `\`${name}\``).join(" and ");
  m.report("KILN2005", at, `${of} lacks the option${missing.size > 1 ? "s" : ""} ${names}`, {
    help: [...missing].map(([name, doc]) => `${name}: ${doc}`).join("; "),
  });
}

/** Reports a value that an option cannot have. */
export function reportWrong(m: Machine, of: string, name: string, given: Given, wanted: string, help?: string): void {
  m.report("KILN2006", given.at, `${of}: ${name} is ${describe(given.value)}, but must be ${wanted}`, {
    help,
    related: given.related,
  });
}

/** The stored form of an option's value; undefined, and reported, where it is not what the option takes. */
export function readOption(
  m: Machine,
  of: string,
  name: string,
  spec: OptionSpec,
  given: Given,
): OptionValue | undefined {
  const { value } = given;
  if (value instanceof Unknown) return undefined;
  if (spec.type === "pair") {
    if (isArray(value) && value.length === 2 && value.every((v) => typeof v === "number" && suits(v, spec)))
      return value as number[];
    if (typeof value === "number" && suits(value, spec)) return value;
    if (isArray(value) && value.some((v) => v instanceof Unknown)) return undefined;
  } else if (spec.type === "boolean" ? typeof value === "boolean" : typeof value === "number" && suits(value, spec))
    return value as OptionValue;
  const rounded = typeof value === "number" && spec.type !== "number" && !Number.isInteger(value);
  reportWrong(m, of, name, given, wanted(spec), rounded ? "round it: Math.floor, Math.round" : `${name}: ${spec.doc}`);
  return undefined;
}

const suits = (value: number, { type, min, below }: OptionSpec): boolean =>
  (type === "number" ? Number.isFinite(value) : Number.isSafeInteger(value)) &&
  (min === undefined || value >= min) &&
  (below === undefined || value < below);

const wanted = ({ type, min, below }: OptionSpec): string => {
  if (type === "boolean") return "true or false";
  const kind = type === "number" ? "a number" : "an integer";
  const least = min === undefined ? "" : ` of at least ${min}`;
  const range = below === undefined ? least : `${least}${least ? " and" : ""} below ${below}`;
  return type === "pair" ? `${kind}${range}, or two of them, [height, width]` : `${kind}${range}`;
};

/** Whether a value is a positive integer, as channels, sizes and classes are. */
export const isCount = (value: Static): value is number => Number.isSafeInteger(value) && (value as number) >= 1;
