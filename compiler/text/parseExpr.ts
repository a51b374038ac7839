/** Reads the text of the stage `expr`. */
import type { Combiner, Definition, ExprProgram, LaidOutProgram } from "../ir/expr.ts";
import type { Layout } from "../ir/fused.ts";
import type { Axis } from "../ir/index.ts";
import type { Value } from "../ir/types.ts";
import type { Token } from "./lexer.ts";
import type { ParseScope } from "./parseIndex.ts";
import { type AxisText, ProgramParser, type TypeText, wordsOf } from "./parseProgram.ts";
import { ScalarParser } from "./parseScalar.ts";
import type { TokenStream } from "./tokenStream.ts";

export const combiners = wordsOf<Combiner>({ sum: 1, max: 1, firstMax: 1 });

/** What follows the word `expr`. Throws TextError. */
export function parseExpr(tokens: TokenStream): ExprProgram | LaidOutProgram {
  // A model may be called "laid".
  const laidOut = tokens.sees("laid", "out") && tokens.accept("laid") && tokens.accept("out");
  const layouts = laidOut ? new Map<Value, Layout>() : undefined;
  const parser = new ProgramParser(tokens, layouts);
  const scalars = new ScalarParser(tokens, () => parser.use());
  const definitions: Definition[] = [];
  const statement = (): boolean => {
    if (tokens.next.kind !== "value") return false;
    definitions.push(parseDefinition(parser, scalars));
    return true;
  };
  const program = { stage: "expr" as const, ...parser.parse(statement, "a definition"), definitions };
  return layouts ? { ...program, layouts } : program;
}

interface OutputText {
  readonly at: Token;
  readonly axes: readonly AxisText[];
  readonly type: TypeText;
}

/** `%y[n, c]: f32[2,4] = sum over (i<3) of %x[n, i] * %w[c, i] from dense @ model.ts:5:7` */
function parseDefinition(parser: ProgramParser, scalars: ScalarParser): Definition {
  const { tokens } = parser;
  const scope = scalars.newScope();
  const outputs: OutputText[] = [];
  do outputs.push(parseOutput(parser));
  while (tokens.accept(","));
  const axes = bindDomain(parser, scope, outputs);
  tokens.expect("=");
  // A body may begin with the function max.
  const combiner = combiners.find((c) => tokens.sees(c, "over") && tokens.accept(c));
  checkCount(
    tokens,
    combiner,
    outputs.map((o) => o.at),
  );
  const reduction = combiner && { combiner, axes: parser.parseOver(scope) };
  if (reduction) tokens.expect("of");
  const body = scalars.parseBody(scope);
  if (!tokens.accept("from")) tokens.failExpecting("an operator, or 'from' and the op that this comes from");
  const op = tokens.name("the name of an op");
  const algorithm = parser.parseAlgorithm();
  const location = parser.parseLocation();
  return { outputs: outputs.map((o) => parser.define(o.at, o.type)), axes, reduction, body, location, op, algorithm };
}

function parseOutput(parser: ProgramParser): OutputText {
  const at = parser.newName();
  const axes = parser.tokens.list("[", "]", () => parser.parseAxis());
  parser.tokens.expect(":");
  return { at, axes, type: parser.parseType() };
}

/** The axes stand at every output alike; an extent that is not written is that of the shape. */
function bindDomain(parser: ProgramParser, scope: ParseScope, outputs: readonly OutputText[]): Axis[] {
  const [first, ...others] = outputs;
  for (const other of others) {
    const same =
      other.axes.length === first.axes.length && other.axes.every((a, i) => a.at.text === first.axes[i].at.text);
    if (!same) parser.tokens.fail(`${other.at.text} needs the axes of ${first.at.text}`, other.at);
  }
  const { shape } = first.type.type;
  if (first.axes.length !== shape.length && first.axes.some((a) => a.extent === undefined))
    parser.tokens.fail(`${first.at.text} has ${shape.length} dimensions and ${first.axes.length} axes`, first.at);
  return first.axes.map((a, i) => parser.bindAxis(scope, { at: a.at, extent: a.extent ?? shape[i] }));
}

/** firstMax gives two results, all else one. `results` are where they are named. */
export function checkCount(tokens: TokenStream, combiner: Combiner | undefined, results: readonly Token[]): void {
  const wanted = combiner === "firstMax" ? 2 : 1;
  if (results.length === wanted) return;
  const what = combiner ?? "a definition without a reduction";
  const count = wanted === 1 ? "one result" : "two results, the maximum and its position";
  tokens.fail(`${what} has ${count}, not ${results.length}`, results[0]);
}
