/** The CSV form of buffers to be placed: google/minimalloc's (src/converter.cc), which most allocators in the field read. */
import type { Block } from "../../compiler/plan/liveness.ts";
import { KilnError } from "../../runtime/program/error.ts";

export interface BufferTable {
  /** A buffer a line: live over start <= t < end. */
  readonly blocks: readonly Block[];
  /** The same table, with the offsets in a column of that name. */
  withOffsets(offsets: readonly number[]): string;
}

/** What a column is, by the names that it may have. `end` is the last moment of life, `upper` the first after it. */
const columnOf: Readonly<Record<string, string>> = {
  ...{ id: "id", buffer: "id", buffer_id: "id" },
  ...{ lower: "lower", start: "lower", begin: "lower", upper: "upper", end: "upper" },
  ...{ size: "size", alignment: "alignment", hint: "hint", gaps: "gaps", offset: "offset" },
};
const required = ["id", "lower", "upper", "size"];

/** Columns that must be empty, and why. */
const unsupported: Readonly<Record<string, string>> = {
  hint: "hints are not supported",
  gaps: "gaps in a buffer's life are not supported",
  offset: "fixed offsets are not supported",
};

/**
 * Reads a table of buffers: a header line, then a buffer a line; columns in any order, `alignment` may be absent.
 * @param path what messages call it
 * Throws KilnError of kind "data" that names line and column.
 */
export function parseBuffers(text: string, path: string): BufferTable {
  const lines = text
    .replace(/^\uFEFF/, "")
    .replace(/(\r?\n)+$/, "")
    .split(/\r?\n/);
  const fail = (line: number, what: string): never => {
    throw new KilnError("data", `${path}:${line}: ${what}`);
  };
  if (text.includes('"')) {
    fail(1 + lines.findIndex((line) => line.includes('"')), "there is a quotation mark; cells are written without");
  }
  const names = lines[0].split(",").map((name) => name.trim());
  const at = new Map<string, number>();
  names.forEach((name, i) => {
    const column = Object.hasOwn(columnOf, name) ? columnOf[name] : undefined;
    if (column === undefined)
      return fail(1, `a column is called "${name}"; there are ${Object.keys(columnOf).join(", ")}`);
    if (at.has(column)) fail(1, `columns ${names[at.get(column)!]} and ${name} say the same thing; one is expected`);
    at.set(column, i);
  });
  const missing = required.filter((column) => !at.has(column));
  if (missing.length > 0) fail(1, `there is no column ${missing.join(", ")}; ${required.join(", ")} are needed`);

  const rows = lines.slice(1).map((line) => line.split(",").map((cell) => cell.trim()));
  const blocks = rows.map((cells, r): Block => {
    const line = r + 2;
    if (cells.length !== names.length) fail(line, `${cells.length} cells stand under ${names.length} columns`);
    for (const [column, why] of Object.entries(unsupported)) {
      const i = at.get(column);
      if (i !== undefined && cells[i] !== "") fail(line, `column ${names[i]} is "${cells[i]}"; ${why}, leave it empty`);
    }
    const integer = (column: string, least: number): number => {
      const i = at.get(column)!;
      const value = Number(cells[i]);
      if (!/^-?\d+$/.test(cells[i]) || !Number.isSafeInteger(value) || value < least) {
        const range = least === Number.MIN_SAFE_INTEGER ? "an integer" : `an integer of at least ${least}`;
        fail(line, `column ${names[i]} is "${cells[i]}"; ${range} is expected`);
      }
      return value;
    };
    const start = integer("lower", Number.MIN_SAFE_INTEGER);
    const upper = names[at.get("upper")!];
    const end = integer("upper", Number.MIN_SAFE_INTEGER) + (upper === "end" ? 1 : 0);
    if (end <= start) fail(line, `column ${upper} is "${cells[at.get("upper")!]}": the life ends before it begins`);
    const alignment = at.has("alignment") ? integer("alignment", 1) : 1;
    return { start, end, size: integer("size", 1), alignment };
  });
  const offsetColumn = at.get("offset") ?? names.length;
  return {
    blocks,
    withOffsets(offsets) {
      const table = [names, ...rows].map((cells, r) =>
        cells.toSpliced(offsetColumn, 1, r === 0 ? "offset" : `${offsets[r - 1]}`).join(","),
      );
      return `${table.join("\n")}\n`;
    },
  };
}
