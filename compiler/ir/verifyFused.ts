/** Holds the invariants that fused.ts states. */
import { type FusedProgram, type Group, type ReduceStep, type StoreStep, scalarsOf } from "./fused.ts";
import { type Axis, Index } from "./index.ts";
import { bindingAlignment, partOffset } from "./parts.ts";
import { indicesOf, type Local, readsOf, type Scalar, visitScalar } from "./scalar.ts";
import { elementCount, formatType, type Value } from "./types.ts";
import { Scope } from "./verifyGraph.ts";

/** What is wrong with the program, a sentence each; empty where it is valid. */
export function fusedProblems(program: FusedProgram): string[] {
  const problems: string[] = [];
  const scope = new Scope(problems);
  for (const { value } of [...program.inputs, ...program.states]) scope.define(value, -1);
  const previous = new Map(program.updates.map(({ state, next }) => [next, state]));
  const lastReader = new Map<Value, number>();
  for (const [position, group] of program.groups.entries()) {
    const name = `group ${group.name}`;
    for (const read of readsOfGroup(group)) {
      scope.read(read, name);
      lastReader.set(read, position);
    }
    problems.push(...groupProblems(group).map((p) => `${name}: ${p}`));
    for (const store of storesOf(group)) scope.define(store.value, position);
  }
  for (const { name, value } of program.outputs) scope.read(value, `output ${name}`);
  for (const { state, next } of program.updates) {
    scope.read(next, `the update of %${state.name}`);
    const made = scope.positionOf(next) ?? -1;
    // The group that writes the next version may read the state, where it replaces it.
    if (made < 0) problems.push(`%${next.name} replaces %${state.name}, but no group stores it`);
    else if ((lastReader.get(state) ?? -1) > made)
      problems.push(`%${state.name} is read after %${next.name} has replaced it`);
  }
  const stored = new Set([
    ...program.inputs.map((i) => i.value),
    ...program.states.map((s) => s.value),
    ...program.groups.flatMap((g) => storesOf(g).map((s) => s.value)),
    ...[...lastReader.keys()].filter((v) => v.part),
  ]);
  for (const value of stored) problems.push(...layoutProblems(value, program, previous.get(value)));
  return problems;
}

const storesOf = (group: Group): StoreStep[] => group.steps.filter((s): s is StoreStep => s.kind === "store");

const readsOfGroup = (group: Group): Set<Value> =>
  new Set(group.steps.flatMap((s) => scalarsOf(s).flatMap(readsOf)).map((r) => r.tensor));

function groupProblems(group: Group): string[] {
  const problems: string[] = [];
  const locals = new Set<Local>();
  if (storesOf(group).length === 0) problems.push("stores nothing");
  for (const step of group.steps) {
    const known = new Set<Axis>([...group.axes, ...step.axes]);
    if (known.size !== group.axes.length + step.axes.length) problems.push("an axis stands twice");
    const what = step.kind === "reduce" ? `reduction ${step.results[0]?.name}` : `%${step.value.name}`;
    for (const scalar of scalarsOf(step)) problems.push(...scalarProblems(scalar, known, locals, what));
    if (step.kind === "reduce") {
      if (step.start) problems.push(...startProblems(step, group, locals, what));
      for (const local of step.results) locals.add(local);
    } else problems.push(...storeProblems(step, group));
  }
  return problems;
}

/** A sum goes on from a number that is there for each point of the group's axes. */
function startProblems({ combiner, start }: ReduceStep, group: Group, locals: ReadonlySet<Local>, what: string) {
  const wrong = scalarProblems(start!, new Set(group.axes), locals, `the start of ${what}`);
  return combiner === "sum" ? wrong : [...wrong, `${what} starts from another one, and is no sum`];
}

function scalarProblems(
  s: Scalar,
  known: ReadonlySet<Axis>,
  locals: ReadonlySet<Local>,
  what: string,
): readonly string[] {
  const problems = new Set<string>();
  const stray = (index: Index): void => {
    for (const a of index.axes()) if (!known.has(a)) problems.add(`${what} reads axis ${a.name} of another step`);
  };
  visitScalar(s, ({ node: n }) => {
    for (const i of indicesOf(n)) stray(i);
    if (n.kind === "local" && !locals.has(n.local))
      problems.add(`${what} reads local ${n.local.name} before the step that makes it`);
  });
  return [...problems];
}

/** Together the indices reach every element once: as many points as elements, inside, and no two points alike. */
function storeProblems({ value, index, axes }: StoreStep, group: Group): string[] {
  const name = `%${value.name}, ${formatType(value.type)},`;
  const { shape } = value.type;
  if (index.length !== shape.length) return [`${name} is stored with ${index.length} indices`];
  const domain = [...group.axes, ...axes].filter((a) => a.extent > 1);
  const points = elementCount(domain.map((a) => a.extent));
  if (points !== elementCount(shape)) return [`${name} is stored from ${points} points`];
  const outside = index.some((i, d) => i.interval().low < 0 || i.interval().high >= shape[d]);
  if (outside) return [`${name} is stored outside it`];
  const flat = index.reduce((sum, i, d) => sum.plus(i.times(elementCount(shape.slice(d + 1)))), Index.of(0));
  if (!isDense(flat, domain)) return [`${name} is stored twice in one place`];
  return [];
}

/** Whether an affine index takes each of 0..n-1 once: sorted by coefficient, each is the product of the extents below. */
function isDense(flat: Index, domain: readonly Axis[]): boolean {
  const terms = domain.map((axis) => ({ axis, coefficient: flat.coefficientOf(axis) ?? 0 }));
  if (!flat.isAffine() || flat.constant !== 0) return false;
  let stride = 1;
  for (const { axis, coefficient } of terms.sort((a, b) => a.coefficient - b.coefficient)) {
    if (coefficient !== stride) return false;
    stride *= axis.extent;
  }
  return true;
}

function layoutProblems(value: Value, program: FusedProgram, replaces: Value | undefined): string[] {
  const layout = program.layouts.get(value);
  if (!layout) return [`%${value.name} has no layout`];
  const { length } = value.type.shape;
  if (layout.length !== length || layout.toSorted((a, b) => a - b).some((d, i) => d !== i))
    return [`%${value.name}, ${formatType(value.type)}, is laid out as [${layout.join(",")}]`];
  if (value.part) {
    const { of } = value.part;
    if (layout[0] !== 0 || program.layouts.get(of)?.join() !== layout.join())
      return [`%${value.name} is a part of %${of.name}, but its layout has not the same rows`];
    if (partOffset(value) % bindingAlignment !== 0)
      return [`%${value.name} begins ${partOffset(value)} bytes into %${of.name}, no multiple of ${bindingAlignment}`];
  }
  if (replaces && program.layouts.get(replaces)?.join() !== layout.join())
    return [`%${value.name} is laid out otherwise than %${replaces.name}, which it replaces`];
  return [];
}
