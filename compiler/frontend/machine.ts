/** The static evaluator: its state, and how functions are called. The tables say what each kind of syntax means. */
import { ts } from "ts-morph";
import type { DiagnosticCode } from "../diagnostics/codes.ts";
import { Budget, BudgetExceeded, callDepthLimit } from "./budget.ts";
import { expressions } from "./expressions.ts";
import type { ModelBuilder } from "./modelBuilder.ts";
import { callOp } from "./opCall.ts";
import { assignmentOperators } from "./operators.ts";
import { bindParameters, patternNames } from "./patterns.ts";
import { type Detail, placeOf, type Reporter } from "./reporter.ts";
import { type Binding, Scope } from "./scope.ts";
import { refusedStatements, statements } from "./statements.ts";
import {
  type Argument,
  BuiltinValue,
  describe,
  FunctionValue,
  type KilnExports,
  OpValue,
  type Static,
  Unknown,
  unknown,
} from "./values.ts";

/** How a statement ended: undefined where the next one follows, else with what the function returns. */
export type Completion = { readonly value: Static; readonly node: ts.Node } | undefined;

/** What a call gave, and the expression after `return`; uncertain where an unknown `if` may have returned before. */
export interface Returned {
  readonly value: Static;
  readonly node: ts.Node;
  readonly certain: boolean;
}

interface Frame {
  readonly called: FunctionValue;
  readonly call: ts.Node;
  /** A return was passed that depends on something unknown. */
  mayHaveReturned: boolean;
}

/** Calls shown with a mistake inside of them. */
const callsShown = 3;

export class Machine {
  readonly budget = new Budget();
  /** The model whose function is being evaluated. */
  model?: ModelBuilder;
  /** Above 0 where it is unknown whether the code at hand would be reached, and how often. */
  speculative = 0;
  loops = 0;
  private readonly frames: Frame[] = [];
  /** Functions that were found to call themselves without end. */
  private readonly endless = new Set<ts.Node>();

  constructor(
    readonly reporter: Reporter,
    readonly kiln: KilnExports,
  ) {}

  /** Reports a mistake, together with the calls that led to it. Returns `unknown`, the value of what is wrong. */
  report(code: DiagnosticCode, node: ts.Node, message: string, detail: Detail = {}): Unknown {
    const calls = this.frames
      .filter((frame) => frame.call !== frame.called.node && frame.call !== node)
      .reverse()
      .slice(0, callsShown)
      .map(({ call, called }) => ({ place: placeOf(call), message: `in this call of \`${called.name}\`` }));
    this.reporter.report(code, placeOf(node), message, { ...detail, related: [...(detail.related ?? []), ...calls] });
    return unknown;
  }

  evaluate(node: ts.Expression, scope: Scope): Static {
    this.budget.spend(1);
    // What has no entry was refused by checkLanguage.
    return expressions[node.kind]?.(node, scope, this) ?? (node.kind in expressions ? undefined : unknown);
  }

  execute(node: ts.Statement, scope: Scope): Completion {
    this.budget.spend(1);
    return (statements[node.kind] ?? refusedStatements[node.kind])?.(node, scope, this);
  }

  /** Runs statements in `scope`, functions first. */
  block(list: readonly ts.Statement[], scope: Scope): Completion {
    this.hoist(list, scope);
    for (const statement of list) {
      const completion = this.execute(statement, scope);
      if (completion) return completion;
    }
    return undefined;
  }

  private hoist(list: readonly ts.Statement[], scope: Scope): void {
    for (const statement of list) {
      if (ts.isVariableStatement(statement))
        for (const { name } of statement.declarationList.declarations)
          for (const each of patternNames(name)) if (!scope.own(each)) scope.reserve(each);
      if (ts.isFunctionDeclaration(statement)) {
        const isDefault = statement.modifiers?.some((m) => m.kind === ts.SyntaxKind.DefaultKeyword);
        const f = new FunctionValue(statement, scope, statement.name?.text ?? "default");
        if (statement.name) scope.declare(statement.name.text, f);
        if (isDefault) scope.declare("default", f);
      }
    }
  }

  apply(callee: Static, args: readonly Argument[], call: ts.CallExpression): Static {
    if (callee instanceof Unknown) return unknown;
    if (callee instanceof OpValue) return callOp(this, callee.definition, args, call);
    if (callee instanceof BuiltinValue) return callee.apply(args, call, this);
    if (callee instanceof FunctionValue) {
      const { value, certain } = this.call(callee, args, call);
      return certain ? value : unknown;
    }
    return this.report("KILN1012", call.expression, `${describe(callee)} is not a function and cannot be called`);
  }

  /** Calls a model file's function. */
  call(f: FunctionValue, args: readonly Argument[], call: ts.Node): Returned {
    const nothing = { value: unknown, node: f.node, certain: true };
    if (this.endless.has(f.node)) return nothing;
    if (this.frames.length >= callDepthLimit) {
      this.endless.add(f.node);
      if (this.speculative === 0)
        this.report("KILN1007", call, `\`${f.name}\` calls itself more than ${callDepthLimit} times`, {
          help: "end the recursion with `if` on a parameter that shrinks, or use a loop",
        });
      return nothing;
    }
    const frame: Frame = { called: f, call, mayHaveReturned: false };
    const scope = new Scope(f.scope);
    if (f.node.name && ts.isFunctionExpression(f.node)) scope.declare(f.node.name.text, f);
    this.frames.push(frame);
    try {
      bindParameters(f, args, call, scope, this);
      const body = f.node.body;
      if (!body) return nothing;
      if (!ts.isBlock(body)) return { value: this.evaluate(body, scope), node: body, certain: true };
      const completion = this.block(body.statements, scope);
      const certain = !frame.mayHaveReturned;
      if (completion) return { ...completion, certain };
      return { value: certain ? undefined : unknown, node: f.node.name ?? f.node, certain };
    } catch (error) {
      // Without a loop around it, what takes so long is a function that calls itself too often.
      const isOwn = error instanceof BudgetExceeded && !error.reported && this.loops === 0 && call !== f.node;
      if (isOwn) this.reportBudget(error, call);
      throw error;
    } finally {
      this.frames.pop();
    }
  }

  /**
   * Code of which nobody knows whether it is reached, since a mistake decides it: each branch runs once, so that its
   * own mistakes are found, and what it assigns is unknown from then on.
   */
  speculate(branches: readonly (() => Completion)[], nodes: readonly ts.Node[], scope: Scope, repeated = false): void {
    const assigned = new Map<Binding, Static>();
    for (const name of nodes.flatMap(assignedNames)) {
      const binding = scope.find(name);
      if (binding?.ready) assigned.set(binding, binding.value);
    }
    const set = (value: (before: Static) => Static) => {
      for (const [binding, before] of assigned) binding.value = value(before);
    };
    this.speculative++;
    try {
      for (const branch of branches) {
        set((before) => (repeated ? unknown : before));
        const completion = branch();
        const frame = this.frames.at(-1);
        if (completion && frame) frame.mayHaveReturned = true;
      }
    } finally {
      this.speculative--;
      set(() => unknown);
    }
  }

  /** Runs a loop. Where the budget ends inside, the innermost loop is reported and the outermost one given up. */
  loop(node: ts.Statement, scope: Scope, run: () => Completion): Completion {
    this.loops++;
    const depth = this.frames.length;
    try {
      return run();
    } catch (error) {
      if (!(error instanceof BudgetExceeded)) throw error;
      if (!error.reported) this.reportBudget(error, node.getFirstToken() ?? node);
      if (this.loops > 1 || !this.budget.forgive()) throw error;
      this.frames.length = depth;
      this.speculate([], [node], scope);
      return undefined;
    } finally {
      this.loops--;
    }
  }

  private reportBudget(error: BudgetExceeded, node: ts.Node): void {
    error.reported = true;
    this.report("KILN1008", node, error.reason, {
      help: "a model file describes layers; use fewer and smaller loops",
    });
  }
}

/** Names that are assigned to anywhere inside of a node. */
const assignedNames = (node: ts.Node): string[] => {
  const names: string[] = [];
  const target = (e: ts.Node): void => {
    if (ts.isIdentifier(e)) names.push(e.text);
    else if (!ts.isFunctionLike(e)) ts.forEachChild(e, target);
  };
  const visit = (n: ts.Node): void => {
    if (ts.isBinaryExpression(n) && assignmentOperators.has(n.operatorToken.kind)) target(n.left);
    if (ts.isPrefixUnaryExpression(n) || ts.isPostfixUnaryExpression(n)) target(n.operand);
    ts.forEachChild(n, visit);
  };
  visit(node);
  return names;
};
