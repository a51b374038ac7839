/** Holds the invariants that graph.ts states. */

import { type OpDefinition, OpError, readOptions } from "../ops/define.ts";
import { ops } from "../ops/registry.ts";
import { type InputTypes, inferTypes } from "../ops/shapeRule.ts";
import { type Graph, inputValues, type Node, type OptionValue, outputValues } from "./graph.ts";
import { isCovered } from "./parts.ts";
import { formatType, sameShape, sameType, type TensorType, type Value } from "./types.ts";

/** Throws an Error that lists all that is wrong with the graph. */
export function verifyGraph(graph: Graph): void {
  const problems = graphProblems(graph);
  if (problems.length > 0)
    throw new Error(`the ${graph.stage} of ${graph.name} is not valid:\n  ${problems.join("\n  ")}`);
}

/** What is wrong with the graph, a sentence each; empty where it is valid. */
export function graphProblems(graph: Graph): string[] {
  const problems: string[] = [];
  const scope = new Scope(problems);
  for (const { value } of [...graph.inputs, ...graph.states]) scope.define(value, -1);
  for (const [position, node] of graph.nodes.entries()) {
    for (const value of inputValues(node)) scope.read(value, `${node.op} (node ${position})`);
    problems.push(...nodeProblems(node).map((p) => `${node.op} (node ${position}): ${p}`));
    for (const value of outputValues(node)) scope.define(value, position);
  }
  const names = new Set<string>();
  for (const { name, value } of graph.outputs) {
    scope.read(value, `output ${name}`);
    if (names.has(name)) problems.push(`two outputs are called ${name}`);
    names.add(name);
    const wanted = [value.type.shape[0], graph.classes];
    if (name === "output" && graph.classes !== undefined && !sameShape(value.type.shape, wanted as number[]))
      problems.push(`the model has ${graph.classes} classes, but its output is ${formatType(value.type)}`);
  }
  const readers = lastReaders(graph);
  const replaced = new Set<Value>();
  const states = new Set(graph.states.map((s) => s.value));
  for (const { state, next } of graph.updates) {
    scope.read(next, `the update of %${state.name}`);
    if (!states.has(state)) problems.push(`%${state.name} is updated, but is no state`);
    if (replaced.has(state)) problems.push(`%${state.name} is updated twice`);
    replaced.add(state);
    if (!sameType(state.type, next.type))
      problems.push(
        `%${next.name} is ${formatType(next.type)}, but replaces %${state.name}, ${formatType(state.type)}`,
      );
    const made = scope.positionOf(next);
    if (made === -1) problems.push(`%${next.name} replaces %${state.name}, but no node makes it`);
    if (made !== undefined && (readers.get(state) ?? -1) > made)
      problems.push(`%${state.name} is read after %${next.name} has replaced it`);
  }
  return problems;
}

const lastReaders = (graph: Graph): Map<Value, number> => {
  const last = new Map<Value, number>();
  for (const [position, node] of graph.nodes.entries()) for (const v of inputValues(node)) last.set(v, position);
  return last;
};

/** What is defined so far, and where; complains of names and values that come twice, and of reads too early. */
export class Scope {
  private readonly defined = new Map<Value, number>();
  private readonly names = new Set<string>();

  constructor(private readonly problems: string[]) {}

  define(value: Value, position: number): void {
    if (this.defined.has(value)) this.problems.push(`%${value.name} is defined twice`);
    else if (this.names.has(value.name)) this.problems.push(`two values are called %${value.name}`);
    this.defined.set(value, position);
    this.names.add(value.name);
  }

  read(value: Value, by: string): void {
    if (!this.defined.has(value) && !isCovered(value, this.defined.keys()))
      this.problems.push(`${by} reads %${value.name}, which is not defined before it`);
  }

  positionOf(value: Value): number | undefined {
    return this.defined.get(value);
  }
}

const nodeProblems = (node: Node): string[] => {
  const definition = ops.get(node.op);
  if (!definition) return ["there is no such op"];
  const problems = [
    ...keyProblems("input", Object.keys(node.inputs), Object.keys(definition.inputs)),
    ...keyProblems("option", Object.keys(node.options), Object.keys(definition.options)),
  ];
  for (const [name, spec] of Object.entries(definition.inputs)) {
    const given = node.inputs[name];
    if (given === undefined ? !spec.optional : Array.isArray(given) !== (spec.kind === "list"))
      problems.push(`input ${name} must be ${spec.kind === "list" ? "a list" : "a tensor"}`);
  }
  for (const [name, spec] of Object.entries(definition.options)) {
    const value = node.options[name];
    if (value === undefined) problems.push(`option ${name} is missing`);
    else if (!fits(value, spec.type)) problems.push(`option ${name} must be of type ${spec.type}`);
  }
  return problems.length > 0 ? problems : typeProblems(node, definition);
};

const keyProblems = (what: string, given: string[], declared: string[]): string[] => {
  const unknown = given.filter((name) => !declared.includes(name));
  if (unknown.length > 0) return unknown.map((name) => `there is no ${what} ${name}`);
  const ordered = declared.filter((name) => given.includes(name));
  return ordered.join() === given.join() ? [] : [`${what}s are not in the op's order: ${ordered.join(", ")}`];
};

const fits = (value: OptionValue, type: string): boolean => {
  switch (type) {
    case "pair":
      return Array.isArray(value) && value.length === 2;
    case "numbers":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
};

const typeProblems = (node: Node, definition: OpDefinition): string[] => {
  const inputs: InputTypes = Object.fromEntries(
    Object.entries(node.inputs).map(([name, v]) => [
      name,
      Array.isArray(v) ? v.map((x: Value) => x.type) : (v as Value).type,
    ]),
  );
  let types: Record<string, TensorType>;
  try {
    types = inferTypes(definition, inputs, node.options);
  } catch (error) {
    if (error instanceof OpError) return [error.message];
    throw error;
  }
  const problems: string[] = [];
  if (Object.keys(types).join() !== Object.keys(node.outputs).join())
    problems.push(`outputs are ${Object.keys(node.outputs).join(", ")}, not ${Object.keys(types).join(", ")}`);
  else
    for (const [name, type] of Object.entries(types))
      if (!sameType(type, node.outputs[name].type))
        problems.push(`output ${name} is ${formatType(node.outputs[name].type)}, not ${formatType(type)}`);
  const parameters = definition.parameters?.(
    inputs as Record<string, TensorType>,
    readOptions(definition, node.options),
  );
  for (const [name, parameter] of Object.entries(parameters ?? {})) {
    const given = inputs[name] as TensorType | undefined;
    if (parameter && given && !sameShape(given.shape, parameter.shape))
      problems.push(`${name} is ${formatType(given)}, not [${parameter.shape.join(",")}]`);
  }
  return problems;
};
