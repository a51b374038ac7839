/** golden.json: what a folder of goldens holds, and how. People read it, and may change its tolerance. */
import { KilnError } from "../../runtime/program/error.ts";
import { type GoldenSettings, stages } from "./settings.ts";

export const manifestFile = "golden.json";
export const numbersFile = "numbers.safetensors";

/** A value may differ by `relative` times the largest magnitude of its tensor, plus `absolute`. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

export interface TensorRecord {
  readonly shape: readonly number[];
  /** The largest magnitude of all its values. */
  readonly largest: number;
  /** The Euclidean norm of all its values, where not all are kept. */
  readonly norm?: number;
  /** In place of the usual relative tolerance: what the numbers were seen to need. */
  readonly relative?: number;
}

export interface Manifest {
  /** Who wrote it; never compared. */
  readonly kiln: string;
  readonly model: string;
  readonly settings: GoldenSettings;
  readonly tolerance: Tolerance;
  readonly tensors: Readonly<Record<string, TensorRecord>>;
  /** Every other file, by its path in the folder. */
  readonly files: readonly string[];
}

/** JSON with an item a line where that makes a change easy to see. */
export function formatManifest({ settings, tensors, files, ...rest }: Manifest): string {
  const lines = (entries: readonly string[], indent: string) => entries.map((entry) => `\n${indent}${entry}`).join(",");
  const fields = (record: object, indent: string) =>
    `{${lines(
      Object.entries(record).map(([name, value]) => `${JSON.stringify(name)}: ${spaced(value)}`),
      `${indent}  `,
    )}\n${indent}}`;
  const parts = [
    ...Object.entries(rest).map(([name, value]) => `"${name}": ${spaced(value)}`),
    `"settings": ${fields(settings, "  ")}`,
    `"tensors": ${Object.keys(tensors).length === 0 ? "{}" : fields(tensors, "  ")}`,
    `"files": [${lines(
      files.map((file) => JSON.stringify(file)),
      "    ",
    )}\n  ]`,
  ];
  return `{${lines(parts, "  ")}\n}\n`;
}

/** JSON in one line, with spaces for people. */
const spaced = (value: unknown): string =>
  JSON.stringify(value, null, 1).replace(/\n\s*/g, " ").replace(/\[ /g, "[").replace(/ \]/g, "]");

/** Reads golden.json's text. Throws KilnError that names the file and the first field that is wrong. */
export function parseManifest(text: string, path: string): Manifest {
  let json: any;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new KilnError("file", `${path}: not JSON: ${(cause as Error).message}`, { cause });
  }
  const check = (field: string, what: string, holds: boolean): void => {
    if (!holds) throw new KilnError("file", `${path}: "${field}" must be ${what}`);
  };
  const isObject = (x: unknown): boolean => typeof x === "object" && x !== null && !Array.isArray(x);
  const isStrings = (x: unknown): boolean => Array.isArray(x) && x.every((item) => typeof item === "string");
  const isAmount = (x: unknown): boolean => typeof x === "number" && x >= 0;
  if (!isObject(json)) throw new KilnError("file", `${path}: an object is expected`);
  check("model", "a string", typeof json.model === "string");
  const { settings, tolerance, tensors, files } = json;
  check("settings", "an object", isObject(settings));
  check("settings.target", "a string", typeof settings.target === "string");
  check("settings.batch", "a positive integer", Number.isSafeInteger(settings.batch) && settings.batch > 0);
  check("settings.mode", "train or infer", ["train", "infer"].includes(settings.mode));
  check("settings.algorithm", "auto, direct or fast", ["auto", "direct", "fast"].includes(settings.algorithm));
  check("settings.set", "an object of strings", isObject(settings.set) && isStrings(Object.values(settings.set)));
  check("settings.momentum", "true or false", typeof settings.momentum === "boolean");
  check(
    "settings.stages",
    `a list of ${stages.join(", ")}`,
    isStrings(settings.stages) && settings.stages.every((stage: any) => stages.includes(stage)),
  );
  check("settings.entries", "a list of strings", isStrings(settings.entries));
  check(
    "settings.kernels",
    "all, none or a list of strings",
    ["all", "none"].includes(settings.kernels) || isStrings(settings.kernels),
  );
  check("settings.numbers", "true or false", typeof settings.numbers === "boolean");
  check("settings.seed", "an integer of at least 0", Number.isSafeInteger(settings.seed) && settings.seed >= 0);
  check("tolerance", "an object", isObject(tolerance));
  check("tolerance.relative", "a number of at least 0", isAmount(tolerance.relative));
  check("tolerance.absolute", "a number of at least 0", isAmount(tolerance.absolute));
  check("tensors", "an object", isObject(tensors));
  for (const [name, tensor] of Object.entries<any>(tensors)) {
    check(`tensors.${name}`, "an object", isObject(tensor));
    check(`tensors.${name}.shape`, "a list of sizes", Array.isArray(tensor.shape) && tensor.shape.every(isAmount));
    check(`tensors.${name}.largest`, "a number of at least 0", isAmount(tensor.largest));
    for (const field of ["norm", "relative"])
      check(`tensors.${name}.${field}`, "a number of at least 0", field in tensor ? isAmount(tensor[field]) : true);
  }
  // What is listed may be removed, so it must lie in the folder.
  const isInside = (file: string): boolean =>
    file.split("/").every((part) => /^[^\\:]+$/.test(part) && !/^\.+$/.test(part));
  check("files", "a list of paths inside the folder", isStrings(files) && files.every(isInside));
  return json;
}
