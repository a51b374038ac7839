/** Reads the text of the stages `graph` and `joint`. */
import type { Graph, Node, OptionValue } from "../ir/graph.ts";
import type { Value } from "../ir/types.ts";
import type { Token } from "./lexer.ts";
import { ProgramParser } from "./parseProgram.ts";
import { usualOutput } from "./printGraph.ts";
import type { TokenStream } from "./tokenStream.ts";

/** What follows the word `graph` or `joint`. Throws TextError. */
export function parseGraph(tokens: TokenStream, stage: Graph["stage"]): Graph {
  const parser = new ProgramParser(tokens);
  const nodes: Node[] = [];
  const statement = (): boolean => {
    if (tokens.next.kind !== "value") return false;
    nodes.push(parseNode(parser));
    return true;
  };
  return { stage, ...parser.parse(statement, "a node"), nodes };
}

/** `%y: f32[2,4], %m: u32[2,4] as winner = op(x: %x, xs: [%a, %b]) { axis: 1 } @ model.ts:5:7` */
function parseNode(parser: ProgramParser): Node {
  const { tokens } = parser;
  const made: (() => void)[] = [];
  const outputs: Record<string, Value> = {};
  do {
    const at = parser.newName();
    tokens.expect(":");
    const type = parser.parseType();
    const nameAt = tokens.next;
    const name = tokens.accept("as") ? tokens.name("the name of an output of the op") : usualOutput;
    if (name in outputs)
      tokens.fail(`the op's output ${name} is there twice; name it: ${at.text}: ... as NAME`, nameAt);
    outputs[name] = { name: at.name, type: type.type };
    made.push(() => {
      outputs[name] = parser.define(at, type);
    });
  } while (tokens.accept(","));
  tokens.expect("=");
  const op = tokens.name("the name of an op");
  const inputs = parseRecord(tokens, "(", ")", "an input", () => parseOperand(parser));
  const options = tokens.sees("{") ? parseRecord(tokens, "{", "}", "an option", () => parseOption(tokens)) : {};
  const location = parser.parseLocation();
  // After the inputs, so that a node cannot read itself.
  for (const make of made) make();
  return { op, inputs, options, outputs, location };
}

function parseRecord<T>(
  tokens: TokenStream,
  open: string,
  close: string,
  what: string,
  item: () => T,
): Record<string, T> {
  const entries = tokens.list(open, close, (): [Token, T] => {
    const at = tokens.next;
    tokens.name(`the name of ${what}`);
    tokens.expect(":");
    return [at, item()];
  });
  const record: Record<string, T> = {};
  for (const [at, value] of entries) {
    if (at.name in record) tokens.fail(`${what} ${at.name} is given twice`, at);
    record[at.name] = value;
  }
  return record;
}

function parseOperand(parser: ProgramParser): Value | Value[] {
  if (parser.tokens.sees("[")) return parser.tokens.list("[", "]", () => parser.use());
  return parser.use();
}

function parseOption(tokens: TokenStream): OptionValue {
  if (tokens.sees("[")) return tokens.list("[", "]", () => tokens.number());
  if (tokens.next.kind === "string") return tokens.take().name;
  if (tokens.accept("true")) return true;
  if (tokens.accept("false")) return false;
  return tokens.number("a number, true, false, a string or a list of numbers");
}
