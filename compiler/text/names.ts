/** How names, numbers, layouts and places are written in text IR. The lexer reads what these write. */
import type { Layout } from "../ir/fused.ts";
import type { SourceLocation, Value } from "../ir/types.ts";

const bareName = /^[A-Za-z_]\w*(?:\.\w+)*$/;
const barePath = /^(?!\/\/)[\w./\\+~-]+$/;

/** A name as it stands where it is made of letters, digits, `_` and `.`, else in quotes. */
export const formatName = (name: string): string => (bareName.test(name) ? name : JSON.stringify(name));

/** ` by split`: how a definition or a group is computed, where not as its op says. */
export const formatAlgorithm = (algorithm: string | undefined): string =>
  algorithm === undefined ? "" : ` by ${formatName(algorithm)}`;

/** The shortest decimal that reads back as the same double. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  return (Math.abs(value) < 1e-3 ? value.toExponential() : String(value)).replace("e+", "e");
}

/** ` @ models/alexnet.ts:5:7`; nothing where there is no location. */
export const formatLocation = (location: SourceLocation | undefined): string => {
  if (!location) return "";
  const file = barePath.test(location.file) ? location.file : JSON.stringify(location.file);
  return ` @ ${file}:${location.line}:${location.column}`;
};

/** The letters of an image's dimensions. */
export const imageLetters = "nchw";

/** ` layout nhwc` of an image, ` layout [1, 0]` else; nothing of a value with fewer than two dimensions. */
export function formatLayout(layout: Layout | undefined, value: Value): string {
  const { length } = value.type.shape;
  if (!layout || length < 2) return "";
  return ` layout ${length === 4 ? layout.map((d) => imageLetters[d]).join("") : `[${layout.join(", ")}]`}`;
}

/** Hands out names, each once: a second `i` becomes `i_1`. */
export class UniqueNames {
  private taken: Set<string>;

  constructor(reserved: Iterable<string> = []) {
    this.taken = new Set(reserved);
  }

  /** An identifier that nobody has; characters that an identifier may not have become `_`. */
  give(wanted: string): string {
    const base = wanted.replace(/\W/g, "_").replace(/^(?=\d|$)/, "_");
    let name = base;
    for (let n = 1; this.taken.has(name); n++) name = `${base}_${n}`;
    this.taken.add(name);
    return name;
  }

  /** Runs `f` and takes back the names that it was given. */
  within<T>(f: () => T): T {
    const before = new Set(this.taken);
    const result = f();
    this.taken = before;
    return result;
  }
}
