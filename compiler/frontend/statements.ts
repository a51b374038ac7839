/** What each kind of statement does: a table with one entry a kind of syntax. What is not here is not allowed. */
import { ts } from "ts-morph";
import type { Completion, Machine } from "./machine.ts";
import { isTrue } from "./operators.ts";
import { bind, elements, patternNames } from "./patterns.ts";
import { Scope } from "./scope.ts";
import { Unknown, unknown } from "./values.ts";

const K = ts.SyntaxKind;

type Execute = (node: any, scope: Scope, m: Machine) => Completion;

/** Declarations that were seen to before, or that evaluation does not need. */
const nothing: Execute = () => undefined;

export const statements: Readonly<Record<number, Execute>> = {
  [K.EmptyStatement]: nothing,
  [K.FunctionDeclaration]: nothing,
  [K.ImportDeclaration]: nothing,
  [K.ExportDeclaration]: nothing,
  [K.InterfaceDeclaration]: nothing,
  [K.TypeAliasDeclaration]: nothing,
  [K.Block]: (node: ts.Block, scope, m) => m.block(node.statements, new Scope(scope)),
  [K.ExpressionStatement]: (node: ts.ExpressionStatement, scope, m) => void m.evaluate(node.expression, scope),
  [K.ReturnStatement]: (node: ts.ReturnStatement, scope, m) => ({
    value: node.expression && m.evaluate(node.expression, scope),
    node: node.expression ?? node,
  }),
  [K.ExportAssignment]: (node: ts.ExportAssignment, scope, m) => {
    scope.declare("default", m.evaluate(node.expression, scope));
    return undefined;
  },
  [K.VariableStatement]: (node: ts.VariableStatement, scope, m) => variables(node.declarationList, scope, m),
  [K.IfStatement]: ifStatement,
  [K.ForOfStatement]: forOf,
  [K.ForStatement]: countedFor,
};

function variables(list: ts.VariableDeclarationList, scope: Scope, m: Machine): Completion {
  for (const d of list.declarations)
    bind(d.name, d.initializer ? m.evaluate(d.initializer, scope) : undefined, scope, m);
  return undefined;
}

function ifStatement(node: ts.IfStatement, scope: Scope, m: Machine): Completion {
  const condition = m.evaluate(node.expression, scope);
  const branches = [node.thenStatement, node.elseStatement].filter((s) => s !== undefined);
  if (condition instanceof Unknown) {
    maybe(branches, scope, m);
    return undefined;
  }
  const branch = isTrue(condition) ? node.thenStatement : node.elseStatement;
  return branch && m.execute(branch, scope);
}

const maybe = (branches: readonly ts.Statement[], scope: Scope, m: Machine, repeated = false): void =>
  m.speculate(
    branches.map((branch) => () => m.execute(branch, scope)),
    branches,
    scope,
    repeated,
  );

function forOf(node: ts.ForOfStatement, scope: Scope, m: Machine): Completion {
  const list = elements(m.evaluate(node.expression, scope), node.expression, m);
  const { initializer } = node;
  if (!ts.isVariableDeclarationList(initializer)) {
    m.report("KILN1002", initializer, "a loop over a variable that exists is not part of a model file's language", {
      help: "declare it in the loop: `for (const v of list)`",
    });
    return undefined;
  }
  const { name } = initializer.declarations[0];
  return m.loop(node, scope, () => {
    if (!list) {
      const body = new Scope(scope);
      for (const each of patternNames(name)) body.declare(each, unknown);
      maybe([node.statement], body, m, true);
      return undefined;
    }
    for (const value of list) {
      const body = new Scope(scope);
      bind(name, value, body, m);
      const completion = m.execute(node.statement, body);
      if (completion) return completion;
    }
    return undefined;
  });
}

function countedFor(node: ts.ForStatement, outer: Scope, m: Machine): Completion {
  const { initializer, condition, incrementor } = node;
  let scope = new Scope(outer);
  const names: string[] = [];
  if (initializer && ts.isVariableDeclarationList(initializer)) {
    variables(initializer, scope, m);
    for (const d of initializer.declarations) names.push(...patternNames(d.name));
  } else if (initializer) m.evaluate(initializer, scope);
  return m.loop(node, outer, () => {
    while (true) {
      const goesOn = condition ? m.evaluate(condition, scope) : unknown;
      if (goesOn instanceof Unknown) {
        maybe([node.statement], scope, m, true);
        return undefined;
      }
      if (!isTrue(goesOn)) return undefined;
      const completion = m.execute(node.statement, scope);
      if (completion) return completion;
      // Each turn has variables of its own, which functions made in it keep.
      const next = new Scope(outer);
      for (const name of names) next.declare(name, scope.own(name)?.value);
      scope = next;
      if (incrementor) m.evaluate(incrementor, scope);
    }
  });
}

/** Statements that were refused: what they hold is evaluated in case it has mistakes of its own. */
export const refusedStatements: Readonly<Record<number, Execute>> = {
  [K.WhileStatement]: (node: ts.WhileStatement, scope, m) => void maybe([node.statement], scope, m, true),
  [K.DoStatement]: (node: ts.DoStatement, scope, m) => void maybe([node.statement], scope, m, true),
  [K.LabeledStatement]: (node: ts.LabeledStatement, scope, m) => void maybe([node.statement], scope, m),
  [K.TryStatement]: (node: ts.TryStatement, scope, m) => {
    maybe(node.finallyBlock ? [node.tryBlock, node.finallyBlock] : [node.tryBlock], scope, m);
    return undefined;
  },
  [K.SwitchStatement]: (node: ts.SwitchStatement, scope, m) =>
    m.speculate(
      node.caseBlock.clauses.map((clause) => () => m.block(clause.statements, new Scope(scope))),
      [node.caseBlock],
      scope,
    ) as undefined,
  [K.ForInStatement]: (node: ts.ForInStatement, scope, m) => {
    const body = new Scope(scope);
    if (ts.isVariableDeclarationList(node.initializer))
      for (const d of node.initializer.declarations)
        for (const name of patternNames(d.name)) body.declare(name, unknown);
    maybe([node.statement], body, m, true);
    return undefined;
  },
};
