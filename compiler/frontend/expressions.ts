/** What each kind of expression means: a table with one entry a kind of syntax. What is not here is not allowed. */
import { ts } from "ts-morph";
import { suggest } from "../diagnostics/suggest.ts";
import { globals } from "./globals.ts";
import type { Machine } from "./machine.ts";
import { applyBinary, assignmentOperators, isText, isTrue, shortCircuits } from "./operators.ts";
import { elementAt, elements, entriesOf, orDefault, property, propertyKey } from "./patterns.ts";
import type { Scope } from "./scope.ts";
import {
  type Argument,
  describe,
  type Entry,
  FunctionValue,
  isArray,
  ObjectValue,
  type Static,
  TensorValue,
  Unknown,
  unknown,
} from "./values.ts";

const K = ts.SyntaxKind;

type Evaluate = (node: any, scope: Scope, m: Machine) => Static;

const inner: Evaluate = (node: { expression: ts.Expression }, scope, m) => m.evaluate(node.expression, scope);

const functionValue: Evaluate = (node: ts.ArrowFunction | ts.FunctionExpression, scope) => {
  const { parent } = node;
  const named = ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) ? parent.name.getText() : undefined;
  return new FunctionValue(node, scope, node.name?.text ?? named ?? "");
};

export const expressions: Readonly<Record<number, Evaluate>> = {
  [K.NumericLiteral]: (node: ts.NumericLiteral) => Number(node.text),
  [K.StringLiteral]: (node: ts.StringLiteral) => node.text,
  [K.NoSubstitutionTemplateLiteral]: (node: ts.NoSubstitutionTemplateLiteral) => node.text,
  [K.TrueKeyword]: () => true,
  [K.FalseKeyword]: () => false,
  [K.NullKeyword]: () => null,
  [K.ParenthesizedExpression]: inner,
  [K.AsExpression]: inner,
  [K.SatisfiesExpression]: inner,
  [K.NonNullExpression]: inner,
  [K.TypeAssertionExpression]: inner,
  [K.ArrowFunction]: functionValue,
  [K.FunctionExpression]: functionValue,
  [K.Identifier]: identifier,
  [K.TemplateExpression]: template,
  [K.ArrayLiteralExpression]: arrayLiteral,
  [K.ObjectLiteralExpression]: objectLiteral,
  [K.PropertyAccessExpression]: propertyAccess,
  [K.ElementAccessExpression]: elementAccess,
  [K.CallExpression]: call,
  [K.ConditionalExpression]: conditional,
  [K.BinaryExpression]: binary,
  [K.PrefixUnaryExpression]: prefix,
  [K.PostfixUnaryExpression]: (node: ts.PostfixUnaryExpression, scope, m) => {
    const before = m.evaluate(node.operand, scope);
    step(node, scope, m);
    return before;
  },
};

function identifier(node: ts.Identifier, scope: Scope, m: Machine): Static {
  const name = node.text;
  const binding = scope.find(name);
  if (binding) {
    if (binding.ready) return binding.value;
    return m.report("KILN1015", node, `\`${name}\` is used before it has a value`, { help: "move its declaration up" });
  }
  if (globals.has(name)) return globals.get(name);
  // The unknown name was reported by checkLanguage; evaluation goes on with what was meant.
  const called = ts.isCallExpression(node.parent) && node.parent.expression === node;
  const meant = m.kiln.values.has(name) ? name : called ? suggest(name, m.kiln.values.keys()) : undefined;
  return meant === undefined ? unknown : m.kiln.values.get(meant);
}

function template(node: ts.TemplateExpression, scope: Scope, m: Machine): Static {
  let text: string | undefined = node.head.text;
  for (const span of node.templateSpans) {
    const value = m.evaluate(span.expression, scope);
    if (!isText(value)) {
      if (!(value instanceof Unknown))
        m.report(
          "KILN1012",
          span.expression,
          `${describe(value)} cannot be part of a string; a string or a number can`,
        );
      text = undefined;
    }
    if (text !== undefined) text += `${value}${span.literal.text}`;
    m.budget.spend(text?.length ?? 0);
  }
  return text ?? unknown;
}

function arrayLiteral(node: ts.ArrayLiteralExpression, scope: Scope, m: Machine): Static {
  const parts: Static[] = [];
  for (const e of node.elements) {
    if (ts.isSpreadElement(e)) {
      const spread = elements(m.evaluate(e.expression, scope), e.expression, m);
      if (!spread) return unknown;
      for (const part of spread) parts.push(part);
    } else parts.push(ts.isOmittedExpression(e) ? undefined : m.evaluate(e, scope));
  }
  return parts;
}

function objectLiteral(node: ts.ObjectLiteralExpression, scope: Scope, m: Machine): Static {
  const entries = new Map<string, Entry>();
  let known = true;
  for (const p of node.properties) {
    if (ts.isSpreadAssignment(p)) {
      const value = m.evaluate(p.expression, scope);
      if (value === undefined || value === null) continue;
      const spread = entriesOf(value, p.expression, m);
      if (spread) for (const [key, entry] of spread) entries.set(key, entry);
      else known = false;
    } else if (ts.isPropertyAssignment(p)) {
      const key = propertyKey(p.name, scope, m);
      const value = m.evaluate(p.initializer, scope);
      if (key === undefined) known = false;
      else entries.set(key, { value, node: p });
    } else if (ts.isShorthandPropertyAssignment(p)) {
      entries.set(p.name.text, { value: identifier(p.name, scope, m), node: p });
    } else known = false;
  }
  return known ? new ObjectValue(entries) : unknown;
}

function propertyAccess(node: ts.PropertyAccessExpression, scope: Scope, m: Machine): Static {
  const value = m.evaluate(node.expression, scope);
  const key = node.name.text;
  if (value instanceof Unknown || node.questionDotToken) return unknown;
  if (isArray(value) || typeof value === "string") {
    if (key === "length") return value.length;
    const kind = isArray(value) ? "an array" : "a string";
    return m.report("KILN1002", node.name, `\`.${key}\` of ${kind} is not part of a model file's language`, {
      help: methodHelp[key] ?? `${kind} has elements and \`.length\`; use a for..of loop`,
    });
  }
  if (value instanceof TensorValue)
    return m.report("KILN1002", node.name, `\`.${key}\` of a tensor is not part of a model file's language`, {
      help: "a tensor is only passed to ops; `kiln inspect MODEL --stage graph` prints every shape",
    });
  return property(value, key, node.name, m);
}

const methodHelp: Readonly<Record<string, string>> = {
  push: "make another array: `list = [...list, value]`",
  concat: "use spread: `[...a, ...b]`",
  map: "use a for..of loop: `for (const v of list) result = [...result, f(v)]`",
  forEach: "use a for..of loop: `for (const v of list) { ... }`",
  reduce: "use a for..of loop with a variable",
  slice: "use destructuring: `const [first, ...rest] = list`",
};

function elementAccess(node: ts.ElementAccessExpression, scope: Scope, m: Machine): Static {
  const value = m.evaluate(node.expression, scope);
  const index = m.evaluate(node.argumentExpression, scope);
  if (value instanceof Unknown || index instanceof Unknown) return unknown;
  if (isArray(value) || typeof value === "string") {
    if (typeof index === "number")
      return isArray(value) ? elementAt(value, index, node.argumentExpression, m) : value[index];
    return m.report("KILN1012", node.argumentExpression, `${describe(index)} is not an index; a number is`);
  }
  if (typeof index !== "string" && typeof index !== "number")
    return m.report("KILN1012", node.argumentExpression, `${describe(index)} cannot name a property; a string can`);
  if (value instanceof TensorValue)
    return m.report("KILN1002", node, "a part of a tensor is not part of a model file's language", {
      help: "use split(x, { sections, axis }) and take one of its results",
    });
  return property(value, String(index), node.argumentExpression, m);
}

function call(node: ts.CallExpression, scope: Scope, m: Machine): Static {
  const callee = m.evaluate(node.expression, scope);
  const args: Argument[] = [];
  let known = node.questionDotToken === undefined;
  for (const arg of node.arguments) {
    if (!ts.isSpreadElement(arg)) {
      args.push({ value: m.evaluate(arg, scope), node: arg });
      continue;
    }
    const spread = elements(m.evaluate(arg.expression, scope), arg.expression, m);
    if (spread) args.push(...spread.map((value) => ({ value, node: arg.expression })));
    else known = false;
  }
  return known ? m.apply(callee, args, node) : unknown;
}

function conditional(node: ts.ConditionalExpression, scope: Scope, m: Machine): Static {
  const condition = m.evaluate(node.condition, scope);
  if (!(condition instanceof Unknown)) return m.evaluate(isTrue(condition) ? node.whenTrue : node.whenFalse, scope);
  const branches = [node.whenTrue, node.whenFalse];
  m.speculate(
    branches.map((branch) => () => void m.evaluate(branch, scope)),
    branches,
    scope,
  );
  return unknown;
}

function binary(node: ts.BinaryExpression, scope: Scope, m: Machine): Static {
  const { left, right } = node;
  const operator = node.operatorToken.kind;
  if (operator === K.EqualsToken) {
    const value = m.evaluate(right, scope);
    assign(left, value, scope, m);
    return value;
  }
  const compound = assignmentOperators.get(operator);
  const value = operate(compound ?? operator, left, right, node, scope, m);
  if (compound !== undefined) assign(left, value, scope, m);
  return value;
}

function operate(
  operator: ts.SyntaxKind,
  left: ts.Expression,
  right: ts.Expression,
  node: ts.Node,
  scope: Scope,
  m: Machine,
): Static {
  const a = m.evaluate(left, scope);
  const decides = shortCircuits.get(operator);
  if (decides) {
    if (!(a instanceof Unknown)) return decides(a) ? a : m.evaluate(right, scope);
    m.speculate([() => void m.evaluate(right, scope)], [right], scope);
    return unknown;
  }
  return operateOn(operator, a, m.evaluate(right, scope), left, right, node, m);
}

const operateOn = (
  operator: ts.SyntaxKind,
  a: Static,
  b: Static,
  left: ts.Node,
  right: ts.Node,
  node: ts.Node,
  m: Machine,
): Static => {
  const result = applyBinary(operator, a, b);
  if (typeof result === "string") m.budget.spend(result.length);
  if (result === null || typeof result !== "object" || !("refused" in result)) return result as Static;
  if (a instanceof TensorValue || b instanceof TensorValue)
    return m.report("KILN1012", node, "operators work on numbers and strings, not on tensors", {
      help: operator === K.PlusToken ? "use add(a, b)" : 'use the ops of "kiln"',
    });
  const { operand, wanted } = result.refused;
  const [wrong, value] = operand === "left" ? [left, a] : [right, b];
  return m.report("KILN1012", wrong, `${describe(value)} where ${wanted} is wanted`);
};

/** Assigns to a variable, or to those of a pattern. Other targets were refused by checkLanguage. */
function assign(target: ts.Expression, value: Static, scope: Scope, m: Machine): void {
  if (ts.isParenthesizedExpression(target)) assign(target.expression, value, scope, m);
  else if (ts.isIdentifier(target)) {
    const binding = scope.find(target.text);
    if (!binding) return;
    if (!binding.ready)
      m.report("KILN1015", target, `\`${target.text}\` is used before its declaration`, {
        help: "move its declaration up",
      });
    binding.value = value;
  } else if (ts.isBinaryExpression(target) && target.operatorToken.kind === K.EqualsToken)
    assign(target.left, orDefault(value, target.right, scope, m), scope, m);
  else if (ts.isArrayLiteralExpression(target)) {
    const parts = elements(value, target, m);
    target.elements.forEach((e, i) => {
      if (ts.isSpreadElement(e)) assign(e.expression, parts ? parts.slice(i) : unknown, scope, m);
      else if (!ts.isOmittedExpression(e)) assign(e, parts ? parts[i] : unknown, scope, m);
    });
  } else if (ts.isObjectLiteralExpression(target)) {
    for (const p of target.properties) {
      if (!ts.isPropertyAssignment(p) && !ts.isShorthandPropertyAssignment(p)) continue;
      const key = propertyKey(p.name, scope, m);
      const part = key === undefined ? unknown : property(value, key, p, m);
      if (ts.isPropertyAssignment(p)) assign(p.initializer, part, scope, m);
      else assign(p.name, orDefault(part, p.objectAssignmentInitializer, scope, m), scope, m);
    }
  }
}

function prefix(node: ts.PrefixUnaryExpression, scope: Scope, m: Machine): Static {
  if (node.operator === K.PlusPlusToken || node.operator === K.MinusMinusToken) return step(node, scope, m);
  const value = m.evaluate(node.operand, scope);
  if (value instanceof Unknown || node.operator === K.TildeToken) return unknown;
  if (node.operator === K.ExclamationToken) return !isTrue(value);
  if (typeof value === "number") return node.operator === K.MinusToken ? -value : value;
  return m.report("KILN1012", node.operand, `${describe(value)} where a number is wanted`);
}

/** ++ and --: the new value. */
function step(node: ts.PrefixUnaryExpression | ts.PostfixUnaryExpression, scope: Scope, m: Machine): Static {
  const operator = node.operator === K.PlusPlusToken ? K.PlusToken : K.MinusToken;
  const value = operateOn(operator, m.evaluate(node.operand, scope), 1, node.operand, node.operand, node, m);
  assign(node.operand, value, scope, m);
  return value;
}
