/** Numbers and names for people. */

/** 4014080 -> "3.83 MiB" */
export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  for (; n >= 1024 && unit < units.length - 1; unit++) n /= 1024;
  return `${unit === 0 ? n : short(n)} ${units[unit]}`;
}

/** 2.49e8 -> "249 M" with a unit behind it: "249 MFLOP". */
export function amount(n: number, unit: string): string {
  const prefixes = ["", "k", "M", "G", "T"];
  let prefix = 0;
  for (; n >= 1000 && prefix < prefixes.length - 1; prefix++) n /= 1000;
  return `${prefix === 0 ? n : short(n)} ${prefixes[prefix]}${unit}`;
}

/** Three digits. */
export const short = (n: number): string =>
  n === 0 ? "0" : Math.abs(n) >= 1000 ? Math.round(n).toString() : Number(n.toPrecision(3)).toString();

export const milliseconds = (ms: number): string => `${short(ms)} ms`;

/** `f32[64,96,54,54]` -> `64×96×54×54`; the element type is named where it is not f32. */
export function shape(type: string): string {
  const [, element, extents] = /^(\w+)\[(.*)\]$/.exec(type)!;
  const text = extents === "" ? "scalar" : extents.replaceAll(",", "×");
  return element === "f32" ? text : `${element} ${text}`;
}

export const percent = (part: number, whole: number): string => `${short((100 * part) / whole)}%`;

/** A text cut to so many characters, an ellipsis at its end where something is missing. */
export const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);
