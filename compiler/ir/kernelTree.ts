/** Walking a kernel: the operands of an expression, the parts of a statement, the names in scope. */
import type { Kernel, KernelExpr, KernelType, Statement } from "./kernel.ts";

type StatementOf<K extends Statement["kind"]> = Extract<Statement, { kind: K }>;

/** The expressions directly inside an expression, in the order of their evaluation. */
export function operandsOf(e: KernelExpr): readonly KernelExpr[] {
  switch (e.kind) {
    case "constant":
    case "variable":
    case "builtin":
    case "uniform":
      return [];
    case "register":
      return e.index;
    case "load":
    case "sharedLoad":
      return [e.index];
    case "broadcast":
      return [e.value, e.lane];
    case "component":
      return [e.of, e.index];
    case "vector":
      return e.parts;
    case "splat":
      return [e.of];
    case "unary":
      return [e.a];
    case "binary":
      return [e.a, e.b];
    case "fma":
      return [e.a, e.b, e.c];
    case "select":
      return [e.condition, e.a, e.b];
    case "random":
      return [e.element];
  }
}

/** The expressions of a statement itself, without those of its body. */
export function expressionsOf(s: Statement): readonly KernelExpr[] {
  switch (s.kind) {
    case "let":
      return [s.value];
    case "registers":
    case "barrier":
      return [];
    case "assign":
      return [...s.index, s.value];
    case "store":
    case "sharedStore":
      return [s.index, s.value];
    case "for":
      return [s.from, s.to];
    case "if":
      return [s.condition];
  }
}

/** The blocks inside a statement. */
export function bodiesOf(s: Statement): readonly (readonly Statement[])[] {
  if (s.kind === "for") return [s.body];
  if (s.kind === "if") return s.otherwise ? [s.then, s.otherwise] : [s.then];
  return [];
}

/** The same expression with a value for a variable. */
export const withVariable = (e: KernelExpr, name: string, value: KernelExpr): KernelExpr =>
  mapExpression(e, (x, changed) => (x.kind === "variable" && x.name === name ? value : changed));

/** An expression made anew from inside: `f` gets each part as it was, and with its own parts changed already. */
export function mapExpression(e: KernelExpr, f: (e: KernelExpr, changed: KernelExpr) => KernelExpr): KernelExpr {
  const again = (x: KernelExpr) => mapExpression(x, f);
  const changed = (): KernelExpr => {
    switch (e.kind) {
      case "constant":
      case "variable":
      case "builtin":
      case "uniform":
        return e;
      case "register":
        return { ...e, index: e.index.map(again) };
      case "load":
      case "sharedLoad":
        return { ...e, index: again(e.index) };
      case "broadcast":
        return { ...e, value: again(e.value), lane: again(e.lane) };
      case "component":
        return { ...e, of: again(e.of), index: again(e.index) };
      case "vector":
        return { ...e, parts: e.parts.map(again) };
      case "splat":
        return { ...e, of: again(e.of) };
      case "unary":
        return { ...e, a: again(e.a) };
      case "binary":
        return { ...e, a: again(e.a), b: again(e.b) };
      case "fma":
        return { ...e, a: again(e.a), b: again(e.b), c: again(e.c) };
      case "select":
        return { ...e, condition: again(e.condition), a: again(e.a), b: again(e.b) };
      case "random":
        return { ...e, element: again(e.element) };
    }
  };
  return f(e, changed());
}

/** Visits every expression once, outer before inner, however often it is shared. */
export function visitExpression(
  e: KernelExpr,
  f: (e: KernelExpr) => void,
  seen: Set<KernelExpr> = new Set<KernelExpr>(),
): void {
  if (seen.has(e)) return;
  seen.add(e);
  f(e);
  for (const operand of operandsOf(e)) visitExpression(operand, f, seen);
}

/** Visits every statement, outer before inner, and every expression in it. */
export function visitBody(
  body: readonly Statement[],
  onStatement: (s: Statement) => void,
  onExpression: (e: KernelExpr) => void,
): void {
  for (const s of body) {
    onStatement(s);
    for (const e of expressionsOf(s)) visitExpression(e, onExpression);
    for (const inner of bodiesOf(s)) visitBody(inner, onStatement, onExpression);
  }
}

/** What a name inside a kernel's body stands for. */
export type Declaration =
  | { readonly kind: "let"; readonly type: KernelType; readonly statement: StatementOf<"let"> }
  | { readonly kind: "loop"; readonly type: KernelType; readonly statement: StatementOf<"for"> }
  | { readonly kind: "registers"; readonly type: KernelType; readonly statement: StatementOf<"registers"> };

const loopType: KernelType = { dtype: "i32", width: 1 };

/** Names in scope, innermost last. */
export class Scope {
  private readonly names = new Map<string, Declaration>();
  constructor(private readonly outer?: Scope) {}

  find(name: string): Declaration | undefined {
    return this.names.get(name) ?? this.outer?.find(name);
  }

  /** Enters what the statement declares for those after it (a loop's variable belongs to its body: see inside). */
  declare(s: Statement): void {
    if (s.kind === "let")
      this.names.set(s.name, {
        kind: "let",
        type: { dtype: s.value.dtype, width: s.value.width },
        statement: s,
      });
    else if (s.kind === "registers") this.names.set(s.name, { kind: "registers", type: s.type, statement: s });
  }

  /** The scope of a statement's body. */
  inside(s: Statement): Scope {
    const scope = new Scope(this);
    if (s.kind === "for") scope.names.set(s.variable, { kind: "loop", type: loopType, statement: s });
    return scope;
  }
}

/** A `for` or `if` around a statement; `holds` says which branch of the `if`. */
export type Enclosing =
  | { readonly statement: StatementOf<"for"> }
  | { readonly statement: StatementOf<"if">; readonly holds: boolean };

/** Calls `f` for every statement with the names it may use and the control flow around it, outermost first. */
export function walkKernel(kernel: Kernel, f: (s: Statement, scope: Scope, path: readonly Enclosing[]) => void): void {
  const block = (body: readonly Statement[], scope: Scope, path: readonly Enclosing[]): void => {
    for (const s of body) {
      f(s, scope, path);
      if (s.kind === "for") block(s.body, scope.inside(s), [...path, { statement: s }]);
      else if (s.kind === "if") {
        block(s.then, scope.inside(s), [...path, { statement: s, holds: true }]);
        if (s.otherwise) block(s.otherwise, scope.inside(s), [...path, { statement: s, holds: false }]);
      }
      scope.declare(s);
    }
  };
  block(kernel.body, new Scope(), []);
}
