/** Text IR as tokens. White space, line ends and `//` comments separate tokens and mean nothing else. */
import type { SourceLocation } from "../ir/types.ts";

export interface Token {
  readonly kind: "name" | "value" | "number" | "string" | "symbol" | "location" | "end";
  /** As it stands in the text. */
  readonly text: string;
  /** A name without its quotes, a value without its `%`. */
  readonly name: string;
  readonly location?: SourceLocation;
  readonly line: number;
  readonly column: number;
}

/** Text IR that cannot be read: where, what was expected, what stands there. The message begins `line:column:`. */
export class TextError extends Error {
  constructor(
    readonly problem: string,
    /** Counted from 1, as is the column. */
    readonly line: number,
    readonly column: number,
  ) {
    super(`${line}:${column}: ${problem}`);
    this.name = "TextError";
  }
}

const quoted = `"(?:[^"\\\\\\n]|\\\\.)*"`;
/** Tried in this order. */
const patterns: readonly (readonly [Token["kind"] | "skip", RegExp])[] = [
  ["skip", /(?:\s+|\/\/[^\n]*)+/y],
  ["location", new RegExp(`@[ \\t]*(${quoted}|[\\w./\\\\+~-]+):(\\d+):(\\d+)(?![\\w:])`, "y")],
  ["value", new RegExp(`%([A-Za-z_]\\w*(?:\\.\\w+)*|${quoted})`, "y")],
  ["name", /[A-Za-z_]\w*(?:\.\w+)*/y],
  ["number", /(?:\d+u|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?!\w|\.(?!\.))/y],
  ["string", new RegExp(quoted, "y")],
  ["symbol", /->|<=|>=|==|>>|\.\.|[()[\]{},:=<+\-*/%&.]/y],
];

function unquote(text: string, line: number, column: number): string {
  if (!text.startsWith('"')) return text;
  try {
    return JSON.parse(text) as string;
  } catch {
    throw new TextError(`a string with an escape that JSON does not have: ${text}`, line, column);
  }
}

/** All tokens, the last of kind "end". Throws TextError. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  let lineStart = 0;
  scan: while (at < text.length) {
    const column = at - lineStart + 1;
    for (const [kind, pattern] of patterns) {
      pattern.lastIndex = at;
      const match = pattern.exec(text);
      if (!match) continue;
      const [whole, first] = match;
      if (kind !== "skip") {
        const name = kind === "value" || kind === "string" ? unquote(first ?? whole, line, column) : whole;
        const location =
          kind === "location"
            ? { file: unquote(first, line, column), line: Number(match[2]), column: Number(match[3]) }
            : undefined;
        tokens.push({ kind, text: whole, name, location, line, column });
      }
      for (let i = at; i < at + whole.length; i++) {
        if (text[i] === "\n") {
          line++;
          lineStart = i + 1;
        }
      }
      at += whole.length;
      continue scan;
    }
    throw new TextError(unreadable(text, at), line, column);
  }
  tokens.push({ kind: "end", text: "", name: "", line, column: at - lineStart + 1 });
  return tokens;
}

function unreadable(text: string, at: number): string {
  const word = /\S+/y;
  word.lastIndex = at;
  const found = word.exec(text)![0];
  if (found.startsWith("@")) return `expected a place such as @ models/alexnet.ts:5:7, found ${found}`;
  if (found.startsWith('"')) return "a string that does not end on its line";
  if (/^\d/.test(found)) return `expected a number such as 12, 0.5, 3u or 1e-5, found ${found}`;
  return `unexpected character ${JSON.stringify(String.fromCodePoint(text.codePointAt(at)!))}`;
}
