/** A mistake in a model file, as data. */
import type { SourceLocation } from "../ir/types.ts";
import type { DiagnosticCode } from "./codes.ts";

/** A stretch of a file. The end is exclusive; `text` is the whole file, which a code frame is cut from. */
export interface Place extends SourceLocation {
  readonly endLine?: number;
  readonly endColumn?: number;
  readonly text?: string;
}

export interface Related {
  readonly place: Place;
  readonly message: string;
}

export interface Diagnostic {
  readonly code: DiagnosticCode;
  /** What is wrong, with the values and shapes involved. */
  readonly message: string;
  /** What to do. */
  readonly help?: string;
  /** Absent where no file is at fault. */
  readonly place?: Place;
  /** Other places that explain it. */
  readonly related?: readonly Related[];
}

export interface DiagnosticJson {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
}

/** What `--json` prints: help is part of the message; a diagnostic without a place has file "" and line 0. */
export const diagnosticsToJson = (diagnostics: readonly Diagnostic[]): DiagnosticJson[] =>
  diagnostics.map(({ code, message, help, place }) => ({
    file: place?.file ?? "",
    line: place?.line ?? 0,
    column: place?.column ?? 0,
    code,
    message: help ? `${message}; ${help}` : message,
  }));
