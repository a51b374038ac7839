/** Reads indices: sums of products of axes, `/` rounding down and `%` by positive constants, clamp and data. */
import { type Axis, Index } from "../ir/index.ts";
import type { Local, Scalar } from "../ir/scalar.ts";
import { Sharing } from "../ir/share.ts";
import type { TokenStream } from "./tokenStream.ts";

/** The axes, locals and lets in force, by name. */
export class ParseScope {
  readonly axes = new Map<string, Axis>();
  readonly locals = new Map<string, Local>();
  readonly lets = new Map<string, Scalar>();
  readonly sharing = new Sharing();

  constructor(readonly parseScalar: (scope: ParseScope) => Scalar) {}
}

/** Throws TextError. */
export function parseIndex(tokens: TokenStream, scope: ParseScope): Index {
  let sum = parseProduct(tokens, scope);
  for (;;) {
    if (tokens.accept("+")) sum = sum.plus(parseProduct(tokens, scope));
    else if (tokens.accept("-")) sum = sum.minus(parseProduct(tokens, scope));
    else return sum;
  }
}

function parseProduct(tokens: TokenStream, scope: ParseScope): Index {
  let product = parseSigned(tokens, scope);
  for (;;) {
    const at = tokens.next;
    if (tokens.accept("*")) {
      const factor = parseSigned(tokens, scope);
      if (factor.isConstant()) product = product.times(factor.constant);
      else if (product.isConstant()) product = factor.times(product.constant);
      else tokens.fail("one factor of an index must be a constant", at);
    } else if (tokens.accept("/")) product = product.div(tokens.positiveInteger());
    else if (tokens.accept("%")) product = product.mod(tokens.positiveInteger());
    else return product;
  }
}

function parseSigned(tokens: TokenStream, scope: ParseScope): Index {
  return tokens.accept("-") ? parseSigned(tokens, scope).times(-1) : parseAtom(tokens, scope);
}

function parseAtom(tokens: TokenStream, scope: ParseScope): Index {
  const at = tokens.next;
  if (at.kind === "number") return Index.of(tokens.integer());
  if (tokens.accept("(")) {
    const inner = parseIndex(tokens, scope);
    tokens.expect(")");
    return inner;
  }
  if (at.kind !== "name") tokens.failExpecting("an index: an axis, an integer, '(', clamp or data");
  tokens.take();
  const call = (at.text === "clamp" || at.text === "data") && tokens.accept("(");
  if (!call) {
    const axis = scope.axes.get(at.text);
    if (!axis) tokens.fail(`no axis here is called '${at.text}'; ${known([...scope.axes.keys()])}`, at);
    return Index.of(axis);
  }
  const of = at.text === "clamp" ? parseIndex(tokens, scope) : scope.parseScalar(scope);
  tokens.expect(",");
  const low = tokens.integer();
  tokens.expect(",");
  const high = tokens.integer();
  if (low > high) tokens.fail(`${at.text} from ${low} to ${high} holds no number`, at);
  tokens.expect(")");
  return of instanceof Index ? of.clamp(low, high) : Index.data(of, low, high);
}

const known = (names: string[]): string => (names.length > 0 ? `there are ${names.join(", ")}` : "there are none");
