/** Holds the invariants that expr.ts states. */

import type { Definition, ExprProgram } from "./expr.ts";
import { type Axis, Index } from "./index.ts";
import { type ReadNode, readsOf, type Scalar, type ScalarNode, type ScalarType, visitScalar } from "./scalar.ts";
import { type DType, formatType, sameShape, type Value } from "./types.ts";
import { Scope } from "./verifyGraph.ts";

/** Throws an Error that lists all that is wrong with the program. */
export function verifyExpr(program: ExprProgram): void {
  const problems = exprProblems(program);
  if (problems.length > 0) throw new Error(`the expr of ${program.name} is not valid:\n  ${problems.join("\n  ")}`);
}

/** What is wrong with the program, a sentence each; empty where it is valid. */
export function exprProblems(program: ExprProgram): string[] {
  const problems: string[] = [];
  const scope = new Scope(problems);
  for (const { value } of [...program.inputs, ...program.states]) scope.define(value, -1);
  const lastReader = new Map<Value, number>();
  for (const [position, definition] of program.definitions.entries()) {
    const name = `%${definition.outputs[0]?.name}`;
    for (const { tensor } of readsOf(definition.body)) {
      scope.read(tensor, name);
      lastReader.set(tensor, position);
    }
    problems.push(...definitionProblems(definition).map((p) => `${name}: ${p}`));
    for (const value of definition.outputs) scope.define(value, position);
  }
  for (const { name, value } of program.outputs) scope.read(value, `output ${name}`);
  const states = new Set(program.states.map((s) => s.value));
  for (const { state, next } of program.updates) {
    scope.read(next, `the update of %${state.name}`);
    if (!states.has(state)) problems.push(`%${state.name} is updated, but is no state`);
    if (state.type.dtype !== next.type.dtype || !sameShape(state.type.shape, next.type.shape))
      problems.push(
        `%${next.name} is ${formatType(next.type)}, but replaces %${state.name}, ${formatType(state.type)}`,
      );
    const made = scope.positionOf(next);
    if (made === -1) problems.push(`%${next.name} replaces %${state.name}, but no definition makes it`);
    if (made !== undefined && (lastReader.get(state) ?? -1) > made)
      problems.push(`%${state.name} is read after %${next.name} has replaced it`);
  }
  return problems;
}

const definitionProblems = (definition: Definition): string[] => {
  const { outputs, axes, reduction, body } = definition;
  const wanted: (DType | "bool")[] = reduction?.combiner === "firstMax" ? [body.dtype, "u32"] : [body.dtype];
  if (outputs.length !== wanted.length) return [`${outputs.length} outputs instead of ${wanted.length}`];
  const problems: string[] = [];
  const extents = axes.map((a) => a.extent);
  for (const [i, { name, type }] of outputs.entries()) {
    if (type.dtype !== wanted[i]) problems.push(`%${name} is ${type.dtype}, but its expression ${wanted[i]}`);
    if (!sameShape(extents, type.shape))
      problems.push(`axes of extents ${extents.join()} do not fit %${name}, ${formatType(type)}`);
  }
  const known = new Set<Axis>([...axes, ...(reduction?.axes ?? [])]);
  if (known.size !== axes.length + (reduction?.axes.length ?? 0)) problems.push("an axis stands twice");
  visitScalar(body, (s) => {
    problems.push(...scalarProblems(s, known));
  });
  return problems;
};

const scalarProblems = (s: Scalar, known: ReadonlySet<Axis>): string[] => {
  const n = s.node;
  const strayAxes = (index: Index): string[] =>
    [...index.axes()].filter((a) => !known.has(a)).map((a) => `axis ${a.name} is not one of the definition's`);
  switch (n.kind) {
    case "read":
      return [
        ...[...n.index, ...n.guard.map((c) => c.index)].flatMap(strayAxes),
        ...(s.dtype === n.tensor.type.dtype ? [] : [`a read of %${n.tensor.name} as ${s.dtype}`]),
        ...readProblems(n),
      ];
    case "index":
      return strayAxes(n.index);
    case "random":
      return [
        ...strayAxes(n.element),
        ...(n.element.interval().low < 0 ? ["the number of a random element may be negative"] : []),
      ];
    case "table":
      return [...[n.row, n.column].flatMap(strayAxes), ...tableProblems(n)];
    case "local":
      return [`local ${n.local.name} outside a fused group`];
    case "binary":
      return binaryProblems(n.op, n.a.dtype, n.b.dtype, s.dtype);
    case "select":
      return n.condition.dtype === "bool" && n.a.dtype === n.b.dtype && n.a.dtype === s.dtype
        ? []
        : [`select(${n.condition.dtype}, ${n.a.dtype}, ${n.b.dtype}) as ${s.dtype}`];
    default:
      return [];
  }
};

const tableProblems = ({ values, row, column }: Extract<ScalarNode, { kind: "table" }>): string[] => {
  const [{ length: columns = 0 } = []] = values;
  if (columns === 0 || values.some((r) => r.length !== columns)) return ["a table whose rows differ in length"];
  const inside = (i: Index, extent: number) => i.interval().low >= 0 && i.interval().high < extent;
  return inside(row, values.length) && inside(column, columns)
    ? []
    : [`a table of ${values.length} x ${columns} may be read outside it`];
};

const comparisons: readonly string[] = ["lt", "le", "eq"];

const binaryProblems = (op: string, a: ScalarType, b: ScalarType, result: ScalarType): string[] => {
  // A shift counts in u32 whatever it shifts.
  const operands = op === "shiftRight" ? a !== "f32" : a === b;
  const wanted = comparisons.includes(op) ? "bool" : a;
  return operands && result === wanted ? [] : [`${op}(${a}, ${b}) as ${result}`];
};

/** A read is inside its tensor wherever its guard holds. */
const readProblems = ({ tensor, index, guard }: ReadNode): string[] => {
  const { shape } = tensor.type;
  if (index.length !== shape.length)
    return [`%${tensor.name}: ${formatType(tensor.type)} is read with ${index.length} indices`];
  /** True where `i` >= 0 follows from its interval or from a condition. */
  const nonNegative = (i: Index): boolean =>
    i.interval().low >= 0 ||
    guard.some((c) => {
      if (c.kind !== "nonNegative") return false;
      const beyond = i.minus(c.index);
      return beyond.isConstant() && beyond.constant >= 0;
    });
  return index.flatMap((i, d) =>
    nonNegative(i) && nonNegative(Index.of(shape[d] - 1).minus(i))
      ? []
      : [`dimension ${d} of %${tensor.name}, ${formatType(tensor.type)}, may be read outside it`],
  );
};
