/** What differs from goldens, for people: diffs, sentences, a table, and what to do. */
import { structuredPatch } from "diff";
import { formatTable } from "../table.ts";
import type { NumberDifference } from "./keptNumbers.ts";
import { planDifferences } from "./planDifferences.ts";
import { planFile } from "./texts.ts";

export type Difference =
  /** new: it is no golden yet. missing: golden.json lists it, but it is not there. more: nothing like it is made any more. */
  | { readonly kind: "new" | "missing" | "more"; readonly file: string }
  | { readonly kind: "text"; readonly file: string; readonly before: string; readonly after: string }
  | {
      readonly kind: "numbers";
      readonly file: string;
      readonly adapter: string;
      readonly tensors: readonly NumberDifference[];
      readonly of: number;
    };

export interface ReportOptions {
  /** ANSI colours. */
  readonly color?: boolean;
  /** What accepts the change. */
  readonly remedy: string;
}

/** How much is shown: of the files that differ, of the lines of each, of the sentences or tensors of each. */
const most = { files: 6, lines: 40, items: 12 };
/** Beyond so many changed lines, a diff is as long as the texts. */
const mostEdits = 1000;
const context = 3;

/** Says it all in one text, without a line break at the end. */
export function formatReport(
  model: string,
  dir: string,
  differences: readonly Difference[],
  options: ReportOptions,
): string {
  const paint = options.color ? colors : plain;
  const [numbers, texts] = [true, false].map((of) => differences.filter(({ kind }) => (kind === "numbers") === of));
  const shown = [...texts.slice(0, most.files), ...numbers];
  const others = texts.slice(most.files).map(({ file }) => file);
  const count = differences.length === 1 ? "1 file differs" : `${differences.length} files differ`;
  return [
    `${dir} is not what Kiln makes of ${model}: ${count}`,
    ...shown.map((difference) => formatDifference(difference, `${dir}/${difference.file}`, paint)),
    ...(others.length > 0 ? [`... ${others.length} more: ${limited(others, most.items).join(", ")}`] : []),
    options.remedy,
  ].join("\n\n");
}

function formatDifference(difference: Difference, path: string, paint: Palette): string {
  switch (difference.kind) {
    case "new":
      return `${path} is new`;
    case "missing":
      return `${path} is missing`;
    case "more":
      return `${path} is no longer made`;
    case "numbers":
      return formatNumbers(difference, path);
    case "text": {
      const { file, before, after } = difference;
      const sentences = file === planFile ? planDifferences(before, after) : [];
      if (sentences.length > 0) return [path, ...limited(sentences, most.items).map((s) => `  ${s}`)].join("\n");
      return formatTexts(path, before, after, paint);
    }
  }
}

/** A unified diff; the golden is the old text. */
function formatTexts(path: string, before: string, after: string, paint: Palette): string {
  const heads = [paint.removed(`--- ${path}`), paint.added("+++ what is made of the model now")];
  const patch = structuredPatch("", "", before, after, undefined, undefined, { context, maxEditLength: mostEdits });
  if (!patch) {
    const [old, now] = [before, after].map((text) => text.split("\n"));
    const at = now.findIndex((line, i) => line !== old[i]);
    return [
      ...heads,
      `line ${at + 1} is the first of many that differ`,
      paint.removed(`-${old[at] ?? ""}`),
      paint.added(`+${now[at] ?? ""}`),
    ].join("\n");
  }
  const lines = patch.hunks.flatMap((hunk) => [
    paint.place(`@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`),
    ...hunk.lines.map((line) => (line[0] === "-" ? paint.removed(line) : line[0] === "+" ? paint.added(line) : line)),
  ]);
  return [...heads, ...limited(lines, most.lines, "lines")].join("\n");
}

function formatNumbers({ adapter, tensors, of }: Difference & { kind: "numbers" }, path: string): string {
  const number = (x: number | string) => (typeof x === "number" ? x.toPrecision(6) : x);
  const rows = tensors
    .slice(0, most.items)
    .map(({ tensor, at, got, expected, tolerance, beyond }) => [
      tensor,
      typeof got === "number" && typeof expected === "number" ? Math.abs(got - expected).toExponential(1) : "",
      at ?? "",
      at === null ? "" : tolerance.toExponential(1),
      number(got),
      number(expected),
      beyond[0] > 0 ? `${beyond[0]} of ${beyond[1]}` : "",
    ]);
  const head = ["tensor", "largest difference", "at", "tolerance", "got", "expected", "beyond it"];
  const table = formatTable(head, rows, ["tensor", "at"]).split("\n");
  const more = tensors.length - rows.length;
  return [
    `${path}, on ${adapter}: ${tensors.length} of ${of} tensors differ`,
    ...table.map((line) => `  ${line}`),
    ...(more > 0 ? [`  ... ${more} more`] : []),
  ].join("\n");
}

/** At most so many, and how many more there are. */
const limited = (items: readonly string[], count: number, what = ""): readonly string[] =>
  items.length <= count ? items : [...items.slice(0, count), `... ${items.length - count} more${what && ` ${what}`}`];

type Paint = (text: string) => string;
const ansi =
  (code: number): Paint =>
  (text) =>
    `\u001b[${code}m${text}\u001b[0m`;
const same: Paint = (text) => text;
const colors = { removed: ansi(31), added: ansi(32), place: ansi(36) };
const plain = { removed: same, added: same, place: same };
type Palette = typeof plain;
