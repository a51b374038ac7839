/** Diagnostics as a person reads them: a line with place and code, a code frame, what to do. */
import type { Diagnostic, Place } from "./diagnostic.ts";

export interface FormatOptions {
  /** ANSI colours. */
  readonly color?: boolean;
}

/** Whether to colour what goes to `stream`: on a terminal, unless NO_COLOR is set (https://no-color.org). */
export const wantsColor = (
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): boolean => stream.isTTY === true && !environment.NO_COLOR;

type Paint = (text: string) => string;
const ansi =
  (code: number): Paint =>
  (text) =>
    `\u001b[${code}m${text}\u001b[0m`;
const plain: Paint = (text) => text;
const palettes = {
  colored: { error: ansi(31), path: ansi(36), code: ansi(90), gutter: ansi(90), mark: ansi(31), note: ansi(36) },
  plain: { error: plain, path: plain, code: plain, gutter: plain, mark: plain, note: plain },
};
type Palette = (typeof palettes)["plain"];

/**
 * `models/x.ts:12:7 - error KILN2003: ...`, a code frame where the file's text is known, `help: ...`, and a frame for
 * each related place. Ends without a line break.
 */
export function formatDiagnostic(diagnostic: Diagnostic, { color = false }: FormatOptions = {}): string {
  const paint = color ? palettes.colored : palettes.plain;
  const { place, code, message, help, related = [] } = diagnostic;
  const where = place ? `${formatPlace(place, paint)} - ` : "";
  const parts = [`${where}${paint.error("error")} ${paint.code(`${code}:`)} ${message}`];
  if (place?.text !== undefined) parts.push("", codeFrame(place, place.text, paint, paint.mark));
  if (help) parts.push("", `  ${paint.note("help:")} ${help}`);
  for (const { place, message } of related) {
    parts.push("", `  ${formatPlace(place, paint)} - ${message}`);
    if (place.text !== undefined) parts.push(indent(codeFrame(place, place.text, paint, paint.note)));
  }
  return parts.join("\n");
}

/** All of them, a blank line between two, and how many there are. */
export const formatDiagnostics = (diagnostics: readonly Diagnostic[], options: FormatOptions = {}): string =>
  [
    ...diagnostics.map((d) => formatDiagnostic(d, options)),
    diagnostics.length === 1 ? "1 error" : `${diagnostics.length} errors`,
  ].join("\n\n");

const formatPlace = ({ file, line, column }: Place, paint: Palette): string => `${paint.path(file)}:${line}:${column}`;

const indent = (text: string): string => text.replace(/^(?=.)/gm, "  ");

/** Columns that a frame shows of a line. */
const frameWidth = 120;
/** A stretch of more lines is shown by its first and last two. */
const longestStretch = 5;

const codeFrame = (place: Place, text: string, paint: Palette, mark: Paint): string => {
  const lines = text.split(/\r?\n/);
  const { line: first, column } = place;
  const last = Math.min(place.endLine ?? first, lines.length);
  const width = `${last}`.length;
  const gutter = (label: string) => paint.gutter(`${label.padStart(width + 1)} |`);
  const frame: string[] = [];
  for (let line = first; line <= last; line++) {
    if (last - first >= longestStretch && line > first + 1 && line < last - 1) {
      frame.push(gutter("".padStart(width, ".")));
      line = last - 2;
      continue;
    }
    const source = lines[line - 1] ?? "";
    const start = line === first ? column - 1 : source.search(/\S|$/);
    const end = line === last ? (place.endColumn ?? column + 1) - 1 : source.trimEnd().length;
    const shown = cut(source, start, end);
    frame.push(`${gutter(`${line}`)} ${shown.text}`);
    if (shown.length > 0) frame.push(`${gutter("")} ${" ".repeat(shown.start)}${mark("^".repeat(shown.length))}`);
  }
  return frame.join("\n");
};

/** What is shown of a line, and where the marked stretch is in it: tabs as spaces, long lines cut around the stretch. */
const cut = (source: string, start: number, end: number): { text: string; start: number; length: number } => {
  const text = source.replace(/\t/g, " ");
  const length = Math.max(end - start, start >= text.length ? 1 : 0);
  if (text.length <= frameWidth) return { text, start, length };
  const from = Math.max(0, Math.min(start - Math.floor(frameWidth / 3), text.length - frameWidth));
  const window = text.slice(from, from + frameWidth);
  return {
    text: `${from > 0 ? "…" : ""}${window}${from + frameWidth < text.length ? "…" : ""}`,
    start: start - from + (from > 0 ? 1 : 0),
    length: Math.min(length, window.length - (start - from)),
  };
};
