/** Collects diagnostics: each mistake once, in the order of the files and their lines. */
import type { ts } from "ts-morph";
import type { DiagnosticCode } from "../diagnostics/codes.ts";
import type { Diagnostic, Place, Related } from "../diagnostics/diagnostic.ts";
import type { SourceLocation } from "../ir/types.ts";

export interface Detail {
  readonly help?: string;
  readonly related?: readonly Related[];
}

/** Line and column of a node's first character. */
export const locationOf = (node: ts.Node): SourceLocation => {
  const source = node.getSourceFile();
  const { line, character } = source.getLineAndCharacterOfPosition(node.getStart(source));
  return { file: source.fileName, line: line + 1, column: character + 1 };
};

/** A stretch of a parsed file, from `start` up to `end`. */
export const placeBetween = (source: ts.SourceFile, start: number, end: number): Place => {
  const from = source.getLineAndCharacterOfPosition(start);
  const to = source.getLineAndCharacterOfPosition(end);
  return {
    file: source.fileName,
    line: from.line + 1,
    column: from.character + 1,
    endLine: to.line + 1,
    endColumn: to.character + 1,
    text: source.text,
  };
};

export const placeOf = (node: ts.Node): Place => {
  const source = node.getSourceFile();
  return placeBetween(source, node.getStart(source), node.end);
};

export class Reporter {
  private readonly found = new Map<string, Diagnostic>();
  private readonly files: string[] = [];

  report(code: DiagnosticCode, place: Place, message: string, detail: Detail = {}): void {
    const key = `${code} ${place.file} ${place.line} ${place.column}`;
    if (this.found.has(key)) return;
    if (!this.files.includes(place.file)) this.files.push(place.file);
    this.found.set(key, { code, message, place, ...detail });
  }

  get clean(): boolean {
    return this.found.size === 0;
  }

  /** Files in the order in which they first had a mistake, lines from top to bottom. */
  get diagnostics(): Diagnostic[] {
    const order = ({ place }: Diagnostic) => [this.files.indexOf(place!.file), place!.line, place!.column];
    return [...this.found.values()].sort((a, b) => {
      const [left, right] = [order(a), order(b)];
      const differs = left.findIndex((n, i) => n !== right[i]);
      return differs < 0 ? 0 : left[differs] - right[differs];
    });
  }
}
