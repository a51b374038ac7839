/**
 * What can be said about a model file without evaluating it: constructs outside the static subset, names that nothing
 * declares, names declared twice, constants that are assigned. So code that is never called is checked too.
 */
import { ts } from "ts-morph";
import { didYouMean, suggest } from "../diagnostics/suggest.ts";
import { anyConstruct, type Construct, constructs, hostNames } from "./constructs.ts";
import { expressions } from "./expressions.ts";
import { globals } from "./globals.ts";
import { assignmentOperators, supportedOperators } from "./operators.ts";
import { placeOf, type Reporter } from "./reporter.ts";
import { statements } from "./statements.ts";
import type { KilnExports } from "./values.ts";

const K = ts.SyntaxKind;

type Kind = "variable" | "constant" | "function" | "import" | "type";
interface Declared {
  readonly kind: Kind;
  readonly node: ts.Node;
}

/** Names at a place, by what declares them. */
class Names {
  readonly own = new Map<string, Declared>();
  constructor(readonly parent?: Names) {}

  find(name: string): Declared | undefined {
    return this.own.get(name) ?? this.parent?.find(name);
  }
  *all(): Generator<string> {
    yield* this.own.keys();
    if (this.parent) yield* this.parent.all();
  }
}

/** Checks one file. */
export function checkLanguage(file: ts.SourceFile, reporter: Reporter, kiln: KilnExports): void {
  new Checker(reporter, kiln).block(file.statements, new Names());
}

class Checker {
  constructor(
    private readonly reporter: Reporter,
    private readonly kiln: KilnExports,
  ) {}

  /** Statements whose declarations are visible throughout `names`. */
  block(list: readonly ts.Statement[], names: Names): void {
    for (const statement of list) this.hoist(statement, names);
    for (const statement of list) this.visit(statement, names);
  }

  // -------------------------------------------------------------- declarations

  private hoist(statement: ts.Statement, names: Names): void {
    if (ts.isVariableStatement(statement)) this.hoistList(statement.declarationList, names);
    else if (ts.isFunctionDeclaration(statement) && statement.name) this.declare(statement.name, "function", names);
    else if (ts.isClassDeclaration(statement) && statement.name) this.declare(statement.name, "constant", names);
    else if (ts.isEnumDeclaration(statement) || ts.isImportEqualsDeclaration(statement))
      this.declare(statement.name, "constant", names);
    else if (ts.isModuleDeclaration(statement) && ts.isIdentifier(statement.name))
      this.declare(statement.name, "constant", names);
    else if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) {
      if (!names.own.has(statement.name.text)) names.own.set(statement.name.text, { kind: "type", node: statement });
    } else if (ts.isImportDeclaration(statement)) this.hoistImport(statement, names);
  }

  private hoistList(list: ts.VariableDeclarationList, names: Names): void {
    const kind = list.flags & ts.NodeFlags.Const ? "constant" : "variable";
    for (const { name } of list.declarations) this.declarePattern(name, kind, names);
  }

  private hoistImport({ importClause: clause, moduleSpecifier }: ts.ImportDeclaration, names: Names): void {
    const fromKiln = ts.isStringLiteral(moduleSpecifier) && moduleSpecifier.text === "kiln";
    if (!clause) return;
    const kind = clause.phaseModifier === K.TypeKeyword ? "type" : "import";
    if (clause.name) this.declare(clause.name, kind, names);
    const bindings = clause.namedBindings;
    if (bindings && ts.isNamespaceImport(bindings)) this.declare(bindings.name, kind, names);
    else
      for (const { name, isTypeOnly, propertyName } of bindings?.elements ?? []) {
        const isType = isTypeOnly || (fromKiln && this.kiln.types.has((propertyName ?? name).text));
        this.declare(name, isType ? "type" : kind, names);
      }
  }

  private declarePattern(name: ts.BindingName, kind: Kind, names: Names): void {
    if (ts.isIdentifier(name)) this.declare(name, kind, names);
    else for (const e of name.elements) if (!ts.isOmittedExpression(e)) this.declarePattern(e.name, kind, names);
  }

  private declare(name: ts.Identifier, kind: Kind, names: Names): void {
    const other = names.own.get(name.text);
    if (!other || other.kind === "type") names.own.set(name.text, { kind, node: name });
    else
      this.reporter.report("KILN1014", placeOf(name), `\`${name.text}\` is declared twice`, {
        help: other.kind === "variable" ? "choose another name, or assign to the first" : "choose another name",
        related: [{ place: placeOf(other.node), message: "declared here first" }],
      });
  }

  // -------------------------------------------------------------- syntax

  private visitAll(nodes: Iterable<ts.Node | undefined>, names: Names): void {
    for (const node of nodes) if (node) this.visit(node, names);
  }

  private visit(node: ts.Node, names: Names): void {
    if (ts.isTypeNode(node)) return;
    const visitor = this.visitors[node.kind];
    if (visitor) visitor(node, names);
    else if (allowed(node)) this.visitChildren(node, names);
    else {
      this.refuse(node);
      this.visitRefused(node, names);
    }
  }

  private visitChildren(node: ts.Node, names: Names): void {
    ts.forEachChild(node, (child) => this.visit(child, names));
  }

  /** Syntax that declares or refers to names, or that is allowed in some forms alone. */
  private readonly visitors: Readonly<Record<number, (node: any, names: Names) => void>> = {
    [K.InterfaceDeclaration]: () => {},
    [K.TypeAliasDeclaration]: () => {},
    [K.ImportDeclaration]: () => {},
    [K.ExportDeclaration]: (node, names) => this.visitExport(node, names),
    [K.Identifier]: (node, names) => this.reference(node, names),
    [K.Block]: (node: ts.Block, names) => this.block(node.statements, new Names(names)),
    [K.ForStatement]: (node, names) => this.visitFor(node, names),
    [K.ForOfStatement]: (node, names) => this.visitForOf(node, names),
    [K.ArrowFunction]: (node, names) => this.visitFunction(node, names),
    [K.FunctionExpression]: (node, names) => this.visitFunction(node, names),
    [K.FunctionDeclaration]: (node, names) => this.visitFunction(node, names),
    [K.VariableDeclarationList]: (node, names) => this.visitVariables(node, names),
    [K.BindingElement]: (node: ts.BindingElement, names) => {
      if (node.propertyName && ts.isComputedPropertyName(node.propertyName)) this.visit(node.propertyName, names);
      this.visitPattern(node, names);
    },
    [K.PropertyAccessExpression]: (node: ts.PropertyAccessExpression, names) => {
      this.checkOptionalChain(node);
      this.visit(node.expression, names);
    },
    [K.ElementAccessExpression]: (node, names) => {
      this.checkOptionalChain(node);
      this.visitChildren(node, names);
    },
    [K.CallExpression]: (node, names) => {
      this.checkOptionalChain(node);
      this.visitChildren(node, names);
    },
    [K.PropertyAssignment]: (node: ts.PropertyAssignment, names) => {
      if (ts.isComputedPropertyName(node.name)) this.visit(node.name, names);
      this.visit(node.initializer, names);
    },
    [K.ShorthandPropertyAssignment]: (node: ts.ShorthandPropertyAssignment, names) => this.reference(node.name, names),
    [K.BinaryExpression]: (node: ts.BinaryExpression, names) => {
      this.checkOperator(node, names);
      this.visitAll([node.left, node.right], names);
    },
    [K.PrefixUnaryExpression]: (node, names) => this.visitUnary(node, names),
    [K.PostfixUnaryExpression]: (node, names) => this.visitUnary(node, names),
  };

  private refuse(node: ts.Node, construct: Construct = constructs[node.kind] ?? anyConstruct): void {
    const what = construct === anyConstruct ? `\`${node.getText().split("\n")[0]}\`` : construct.name;
    this.reporter.report("KILN1002", placeOf(heading(node)), `${what} is not part of a model file's language`, {
      help: construct.help,
    });
  }

  /** An expression is refused as a whole; what a loop or another statement holds is looked at. */
  private visitRefused(node: ts.Node, outer: Names): void {
    const names = new Names(outer);
    if (ts.isWhileStatement(node) || ts.isDoStatement(node)) this.visitAll([node.expression, node.statement], names);
    else if (ts.isLabeledStatement(node)) this.visit(node.statement, names);
    else if (ts.isTryStatement(node)) {
      const caught = node.catchClause?.variableDeclaration;
      if (caught) this.declarePattern(caught.name, "variable", names);
      this.visitAll([node.tryBlock, node.catchClause?.block, node.finallyBlock], names);
    } else if (ts.isForInStatement(node)) {
      if (ts.isVariableDeclarationList(node.initializer)) this.hoistList(node.initializer, names);
      this.visitAll([node.expression, node.statement], names);
    } else if (ts.isSwitchStatement(node)) {
      this.visit(node.expression, names);
      for (const clause of node.caseBlock.clauses) this.block(clause.statements, names);
    }
  }

  private visitExport(node: ts.ExportDeclaration, names: Names): void {
    if (!node.exportClause || ts.isNamespaceExport(node.exportClause))
      this.refuse(node, { name: "export *", help: "name what is exported: `export { block } from ...`" });
    else if (!node.moduleSpecifier && !node.isTypeOnly)
      for (const e of node.exportClause.elements) {
        const name = e.propertyName ?? e.name;
        if (!e.isTypeOnly && ts.isIdentifier(name) && names.find(name.text)?.kind !== "type")
          this.reference(name, names);
      }
  }

  private visitForOf(node: ts.ForOfStatement, outer: Names): void {
    const names = new Names(outer);
    if (ts.isVariableDeclarationList(node.initializer)) this.hoistList(node.initializer, names);
    if (node.awaitModifier) this.refuse(node.awaitModifier, constructs[K.AwaitExpression]);
    this.visit(node.expression, outer);
    this.visitAll([node.initializer, node.statement], names);
  }

  private visitFor(node: ts.ForStatement, outer: Names): void {
    const names = new Names(outer);
    if (node.initializer && ts.isVariableDeclarationList(node.initializer)) this.hoistList(node.initializer, names);
    if (!node.condition)
      this.refuse(node, {
        name: "a for loop without a condition",
        help: "write a bound, `for (let i = 0; i < n; i++)`",
      });
    this.visitAll([node.initializer, node.condition, node.incrementor, node.statement], names);
  }

  private visitFunction(node: ts.ArrowFunction | ts.FunctionExpression | ts.FunctionDeclaration, outer: Names): void {
    const names = new Names(outer);
    const asynchronous = node.modifiers?.find((m) => m.kind === K.AsyncKeyword);
    if (asynchronous)
      this.refuse(asynchronous, { name: "an async function", help: "nothing is waited for; remove `async`" });
    if (node.asteriskToken) this.refuse(node.asteriskToken, { name: "a generator", help: "return an array" });
    if (ts.isFunctionExpression(node) && node.name)
      names.own.set(node.name.text, { kind: "function", node: node.name });
    const inner = new Names(names);
    for (const p of node.parameters) this.declarePattern(p.name, "variable", inner);
    for (const p of node.parameters) this.visitPattern(p, inner);
    // The body may not declare a parameter's name again, so both share a scope.
    if (node.body && ts.isBlock(node.body)) this.block(node.body.statements, inner);
    else if (node.body) this.visit(node.body, inner);
  }

  private visitPattern(node: ts.ParameterDeclaration | ts.BindingElement | ts.VariableDeclaration, names: Names): void {
    if (!ts.isIdentifier(node.name)) this.visitAll(node.name.elements, names);
    if (node.initializer) this.visit(node.initializer, names);
  }

  private visitVariables(list: ts.VariableDeclarationList, names: Names): void {
    const keyword = list.getFirstToken() ?? list;
    const kind = list.flags & ts.NodeFlags.BlockScoped;
    if (kind === ts.NodeFlags.None)
      this.refuse(keyword, { name: "var", help: "use `const`, or `let` for what is assigned" });
    else if (kind !== ts.NodeFlags.Let && kind !== ts.NodeFlags.Const)
      this.refuse(keyword, { name: "using", help: "use `const`" });
    const inLoop = ts.isForOfStatement(list.parent) || ts.isForInStatement(list.parent);
    for (const d of list.declarations) {
      if (!d.initializer && kind === ts.NodeFlags.Const && !inLoop)
        this.reporter.report("KILN1001", placeOf(d), `the constant \`${d.name.getText()}\` has no value`, {
          help: "write `= ...`, or `let`",
        });
      this.visitPattern(d, names);
    }
  }

  private checkOptionalChain(node: ts.PropertyAccessExpression | ts.ElementAccessExpression | ts.CallExpression): void {
    if (node.questionDotToken)
      this.refuse(node.questionDotToken, { name: "?.", help: "use `if` or `?:` with `=== undefined`" });
  }

  private checkOperator({ left, operatorToken }: ts.BinaryExpression, names: Names): void {
    const { kind } = operatorToken;
    if (assignmentOperators.has(kind)) this.target(left, names);
    else if (kind === K.CommaToken)
      this.refuse(operatorToken, { name: "the comma operator", help: "write two statements" });
    else if (!supportedOperators.has(kind))
      this.refuse(operatorToken, {
        name: `the operator ${operatorToken.getText()}`,
        help: "use + - * / % ** and Math.floor",
      });
  }

  private visitUnary(node: ts.PrefixUnaryExpression | ts.PostfixUnaryExpression, names: Names): void {
    const { operator, operand } = node;
    if (operator === K.PlusPlusToken || operator === K.MinusMinusToken) this.target(operand, names);
    else if (operator === K.TildeToken) this.refuse(node, { name: "the operator ~", help: "use Math.floor" });
    this.visit(operand, names);
  }

  /** What is assigned to must be a variable, or a pattern of variables. */
  private target(node: ts.Expression, names: Names): void {
    if (ts.isParenthesizedExpression(node)) this.target(node.expression, names);
    else if (ts.isIdentifier(node)) this.assigned(node, names.find(node.text));
    else if (ts.isArrayLiteralExpression(node)) for (const e of node.elements) this.target(unwrapTarget(e), names);
    else if (ts.isObjectLiteralExpression(node)) {
      for (const p of node.properties)
        if (ts.isPropertyAssignment(p)) this.target(unwrapTarget(p.initializer), names);
        else if (ts.isShorthandPropertyAssignment(p)) this.target(p.name, names);
        else if (ts.isSpreadAssignment(p)) this.target(p.expression, names);
    } else if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node))
      this.refuse(node, {
        name: "assigning to a part of an array or object",
        help: "make another one: `[...list, value]`, `{ ...object, key: value }`",
      });
    else if (!ts.isOmittedExpression(node))
      this.refuse(node, { name: "assigning to an expression", help: "assign to a variable" });
  }

  private assigned(node: ts.Identifier, declared: Declared | undefined): void {
    if (!declared || declared.kind === "variable") return;
    const what = `\`${node.text}\` is ${kindNames[declared.kind]} and keeps its value`;
    this.reporter.report("KILN1013", placeOf(node), what, {
      help: declared.kind === "constant" ? "declare it with `let`" : "use a variable of another name",
      related: [{ place: placeOf(declared.node), message: "declared here" }],
    });
  }

  // -------------------------------------------------------------- names

  private reference(node: ts.Identifier, names: Names): void {
    const name = node.text;
    const declared = names.find(name);
    if (declared?.kind === "type")
      this.reporter.report("KILN1003", placeOf(node), `\`${name}\` is a type and has no value`);
    else if (!declared && !globals.has(name) && name !== "") this.unknownName(node, names);
  }

  private unknownName(node: ts.Identifier, names: Names): void {
    const name = node.text;
    const report = (code: "KILN1003" | "KILN2001", message: string, help: string | undefined) =>
      this.reporter.report(code, placeOf(node), message, { help });
    const host = hostNames.get(name);
    const near = suggest(name, [...names.all(), ...globals.keys()]);
    const called = ts.isCallExpression(node.parent) && node.parent.expression === node;
    const op = called ? suggest(name, this.kiln.values.keys()) : undefined;
    if (host !== undefined) {
      const use = widestUse(node);
      const text = ts.isCallExpression(use) ? `${use.expression.getText()}(...)` : use.getText();
      this.refuse(use, { name: `\`${text}\``, help: host });
    } else if (this.kiln.values.has(name))
      report("KILN1003", `\`${name}\` is not imported`, `write \`import { ${name} } from "kiln"\``);
    else if (op !== undefined && (near === undefined || near === op))
      report("KILN2001", `"kiln" has no \`${name}\``, `${didYouMean(op)}${near === op ? "" : " (import it)"}`);
    else report("KILN1003", `nothing is called \`${name}\` here`, didYouMean(near));
  }
}

const kindNames: Record<Kind, string> = {
  variable: "a variable",
  constant: "a constant",
  function: "a function",
  import: "imported",
  type: "a type",
};

/** Parts of the constructs that the tables list. */
const structural: ReadonlySet<ts.SyntaxKind> = new Set([K.SpreadElement, K.OmittedExpression]);

const allowed = (node: ts.Node): boolean => {
  const { kind } = node;
  if (kind in constructs) return false;
  const listed = kind in statements || kind in expressions || structural.has(kind);
  return listed || !(ts.isStatement(node) || ts.isExpression(node));
};

const unwrapTarget = (node: ts.Expression): ts.Expression => {
  if (ts.isSpreadElement(node)) return node.expression;
  return ts.isBinaryExpression(node) && node.operatorToken.kind === K.EqualsToken ? node.left : node;
};

/** Of `process`, `process.exit(1)`. */
const widestUse = (node: ts.Node): ts.Node => {
  const { parent } = node;
  const grows = (ts.isPropertyAccessExpression(parent) || ts.isCallExpression(parent)) && parent.expression === node;
  return grows ? widestUse(parent) : node;
};

/** What is underlined of a construct: a statement's or a long expression's first token, since all of it is too much. */
const heading = (node: ts.Node): ts.Node => {
  const source = node.getSourceFile();
  const oneLine = !source.text.slice(node.getStart(source), node.end).includes("\n");
  return oneLine && !ts.isStatement(node) ? node : (node.getFirstToken(source) ?? node);
};
