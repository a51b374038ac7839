/** Appends nodes to a graph: what autodiff and the optimizer share. */

import { type Graph, inputValues, type Node, type OptionValue, outputValues, type Update } from "../ir/graph.ts";
import type { SourceLocation, TensorType, Value } from "../ir/types.ts";
import { ops } from "../ops/registry.ts";
import { fillOptions, type InputTypes, inferTypes } from "../ops/shapeRule.ts";

export type NodeInputs = Readonly<Record<string, Value | readonly Value[] | undefined>>;

export const definitionOf = (name: string) => {
  const definition = ops.get(name);
  if (!definition) throw new Error(`no op is called ${name}`);
  return definition;
};

/** Names that are in use; `fresh` adds one, numbered where the hint is taken. */
export class Names {
  private readonly taken = new Set<string>();

  constructor(values: Iterable<Value>) {
    for (const { name } of values) this.taken.add(name);
  }

  fresh(hint: string): string {
    let name = hint;
    for (let i = 2; this.taken.has(name); i++) name = `${hint}_${i}`;
    this.taken.add(name);
    return name;
  }
}

/** Every value that a graph defines or takes in. */
export const valuesOf = (graph: Graph): Value[] => [
  ...graph.inputs.map((i) => i.value),
  ...graph.states.map((s) => s.value),
  ...graph.nodes.flatMap((n) => [...outputValues(n), ...inputValues(n)]),
];

/** The states that a node replaces: `updates` of its op, where the input is there and the output wanted. */
export const updatesOf = (node: Node): Update[] =>
  Object.entries(definitionOf(node.op).updates ?? {}).flatMap(([input, output]) => {
    const state = node.inputs[input] as Value | undefined;
    return state ? [{ state, next: node.outputs[output] }] : [];
  });

/** The types of a node's inputs, by name. */
export const typesOf = (inputs: NodeInputs): InputTypes =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      Array.isArray(value) ? (value as Value[]).map((v) => v.type) : (value as Value | undefined)?.type,
    ]),
  );

export class GraphBuilder {
  readonly nodes: Node[];
  readonly names: Names;
  private readonly defined: Set<Value>;

  constructor(graph: Graph) {
    this.nodes = [...graph.nodes];
    this.defined = new Set(graph.nodes.flatMap(outputValues));
    this.names = new Names(valuesOf(graph));
  }

  value(hint: string, type: TensorType): Value {
    return { name: this.names.fresh(hint), type };
  }

  /** Adds a node, named after `hint`, options filled in; its outputs by name. */
  emit(
    op: string,
    inputs: NodeInputs,
    given: Readonly<Record<string, OptionValue>>,
    hint: string,
    location?: SourceLocation,
  ): Record<string, Value> {
    const definition = definitionOf(op);
    const options = fillOptions(definition, given);
    const present = Object.fromEntries(
      Object.keys(definition.inputs).flatMap((name) => {
        const value = inputs[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ) as Node["inputs"];
    const types = inferTypes(definition, typesOf(inputs), options);
    const single = Object.keys(types).length === 1;
    const outputs = Object.fromEntries(
      Object.entries(types).map(([name, type]) => [name, this.value(single ? hint : `${hint}.${name}`, type)]),
    );
    this.nodes.push({ op, inputs: present, options, outputs, location });
    for (const output of Object.values(outputs)) this.defined.add(output);
    return outputs;
  }

  /** Whether a node gives the value; inputs and states are there before all nodes. */
  defines(value: Value): boolean {
    return this.defined.has(value);
  }
}
