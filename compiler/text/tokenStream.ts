/** Reads tokens one after the other; every parser of text IR goes through it. */
import { TextError, type Token, tokenize } from "./lexer.ts";

const describe = (token: Token): string => (token.kind === "end" ? "the end of the text" : `'${token.text}'`);

export class TokenStream {
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(text: string) {
    this.tokens = tokenize(text);
  }

  get next(): Token {
    return this.tokens[this.at];
  }

  take(): Token {
    const token = this.next;
    if (token.kind !== "end") this.at++;
    return token;
  }

  /** True where the next tokens are these symbols and words. */
  sees(...texts: string[]): boolean {
    return texts.every((text, i) => {
      const token = this.tokens[this.at + i];
      return token?.text === text && (token.kind === "symbol" || token.kind === "name");
    });
  }

  /** Takes this symbol or word if it comes next. */
  accept(text: string): boolean {
    if (!this.sees(text)) return false;
    this.at++;
    return true;
  }

  expect(text: string): Token {
    if (!this.sees(text)) this.failExpecting(`'${text}'`);
    return this.take();
  }

  /** Throws TextError at the next token: `expected WHAT, found ...`. */
  failExpecting(what: string): never {
    this.fail(`expected ${what}, found ${describe(this.next)}`);
  }

  /** Throws TextError at this token, or at the next one. */
  fail(problem: string, at: Token = this.next): never {
    throw new TextError(problem, at.line, at.column);
  }

  /** A bare or quoted name. */
  name(what: string): string {
    if (this.next.kind !== "name" && this.next.kind !== "string") this.failExpecting(what);
    return this.take().name;
  }

  /** One of these words. */
  oneOf<T extends string>(words: readonly T[]): T {
    const found = words.find((word) => this.next.kind === "name" && this.next.text === word);
    if (found === undefined) this.failExpecting(words.length === 1 ? `'${words[0]}'` : `one of ${words.join(", ")}`);
    this.at++;
    return found;
  }

  /** A number with its sign, or inf, -inf, nan. */
  number(what = "a number"): number {
    const sign = this.accept("-") ? -1 : 1;
    if (this.accept("inf")) return sign * Number.POSITIVE_INFINITY;
    if (this.accept("nan")) return Number.NaN;
    if (this.next.kind !== "number" || this.next.text.endsWith("u")) this.failExpecting(what);
    return sign * Number(this.take().text);
  }

  integer(what = "an integer"): number {
    const at = this.next;
    const value = this.number(what);
    if (!Number.isSafeInteger(value)) this.fail(`expected ${what}, found ${value}`, at);
    return value;
  }

  positiveInteger(what = "a positive integer"): number {
    const at = this.next;
    const value = this.integer(what);
    if (value < 1) this.fail(`expected ${what}, found ${value}`, at);
    return value;
  }

  /** `open item, item close`; none is fine too. */
  list<T>(open: string, close: string, item: () => T): T[] {
    this.expect(open);
    const items: T[] = [];
    while (!this.sees(close)) {
      if (items.length > 0 && !this.accept(",")) this.failExpecting(`',' or '${close}'`);
      items.push(item());
    }
    this.expect(close);
    return items;
  }
}
