/** Reads the text of the stage `fused`. */
import type { FusedProgram, Group, Layout, ReduceStep, Step, StoreStep } from "../ir/fused.ts";
import type { Local } from "../ir/scalar.ts";
import type { SourceLocation, Value } from "../ir/types.ts";
import type { Token } from "./lexer.ts";
import { checkCount, combiners } from "./parseExpr.ts";
import { type ParseScope, parseIndex } from "./parseIndex.ts";
import { ProgramParser } from "./parseProgram.ts";
import { ScalarParser } from "./parseScalar.ts";
import { reservedWords } from "./printIndex.ts";
import type { TokenStream } from "./tokenStream.ts";

/** What follows the word `fused`. Throws TextError. */
export function parseFused(tokens: TokenStream): FusedProgram {
  const layouts = new Map<Value, Layout>();
  const parser = new ProgramParser(tokens, layouts);
  const groupParser = new GroupParser(parser);
  const groups: Group[] = [];
  const statement = (): boolean => {
    if (!tokens.accept("group")) return false;
    groups.push(groupParser.parse());
    return true;
  };
  return { stage: "fused", ...parser.parse(statement, "'group'"), groups, layouts };
}

class GroupParser {
  private readonly tokens: TokenStream;
  private readonly scalars: ScalarParser;

  constructor(private readonly parser: ProgramParser) {
    this.tokens = parser.tokens;
    this.scalars = new ScalarParser(parser.tokens, () => parser.use());
  }

  /** What follows the word `group`. */
  parse(): Group {
    const { tokens, parser } = this;
    const name = tokens.name("the group's name");
    const scope = this.scalars.newScope();
    const axes = parser.parseOver(scope);
    const ops = tokens.accept("from") ? parser.parseNames("the name of an op") : [];
    const algorithm = parser.parseAlgorithm();
    const textureBytes = tokens.accept("textures") ? tokens.integer("a number of bytes") : undefined;
    const locations: SourceLocation[] = [];
    for (let at = parser.parseLocation(); at; at = parser.parseLocation()) locations.push(at);
    tokens.expect("{");
    const steps: Step[] = [];
    while (!tokens.accept("}")) steps.push(this.parseStep(scope));
    return { name, axes, steps, locations, ops, algorithm, textureBytes };
  }

  private parseStep(scope: ParseScope): Step {
    if (this.tokens.sees("store") || this.tokens.sees("over")) return this.parseStore(scope);
    if (this.tokens.next.kind !== "name") this.tokens.failExpecting("a local, 'store', 'over' or '}'");
    return this.parseReduce(scope);
  }

  /** `acc: f32 = sum over (p<3) of %x[n, i + p]` */
  private parseReduce(scope: ParseScope): ReduceStep {
    const { tokens } = this;
    const at: Token[] = [];
    const results: Local[] = [];
    do {
      const token = tokens.next;
      const name = tokens.name("the name of a local");
      if (scope.locals.has(name) || results.some((local) => local.name === name))
        tokens.fail(`the local ${name} is there twice`, token);
      if (reservedWords.includes(name)) tokens.fail(`a local cannot be called ${name}`, token);
      tokens.expect(":");
      at.push(token);
      results.push({ name, dtype: this.parser.parseDType() });
    } while (tokens.accept(","));
    tokens.expect("=");
    const combiner = tokens.oneOf(combiners);
    checkCount(tokens, combiner, at);
    const outer = new Map(scope.axes);
    const axes = this.parser.parseOver(scope);
    const start = tokens.accept("from") ? scope.sharing.scalar(this.scalars.parse(scope)) : undefined;
    tokens.expect("of");
    const body = this.scalars.parseBody(scope);
    restore(scope, outer);
    // After the body, so that a step cannot read its own result.
    for (const local of results) scope.locals.set(local.name, local);
    return { kind: "reduce", combiner, results, axes, body, ...(start ? { start } : {}) };
  }

  /** `store %y[n, c]: f32[2,4] layout [1, 0] = max(acc, 0.0)`, or `over (k<4) store %y[n, 4*c + k]: ...` */
  private parseStore(scope: ParseScope): StoreStep {
    const { tokens, parser } = this;
    const outer = new Map(scope.axes);
    const axes = tokens.sees("over") ? parser.parseOver(scope) : [];
    tokens.expect("store");
    const name = parser.newName();
    const index = tokens.list("[", "]", () => scope.sharing.index(parseIndex(tokens, scope)));
    tokens.expect(":");
    const type = parser.parseType();
    const { length } = type.type.shape;
    if (index.length !== length)
      tokens.fail(`${name.text} has ${length} dimensions and is stored with ${index.length} indices`, name);
    const value = parser.define(name, type);
    tokens.expect("=");
    const expr = this.scalars.parseBody(scope);
    restore(scope, outer);
    return { kind: "store", value, axes, index, expr };
  }
}

/** The axes of a step end with it. */
function restore(scope: ParseScope, axes: ReadonlyMap<string, unknown>): void {
  for (const name of scope.axes.keys()) if (!axes.has(name)) scope.axes.delete(name);
}
