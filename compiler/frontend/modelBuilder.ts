/** Collects the graph of one model while its function is evaluated. */
import type { ts } from "ts-morph";
import {
  type Graph,
  type ImageInput,
  type Initializer,
  type Mode,
  type Node,
  type OptionValue,
  outputValues,
  type State,
} from "../ir/graph.ts";
import { f32, tensorType, type Value } from "../ir/types.ts";
import { type OpDefinition, readOptions } from "../ops/define.ts";
import { inferTypes } from "../ops/shapeRule.ts";
import { GraphBuilder } from "../passes/graphBuilder.ts";
import { BudgetExceeded, nodeLimit } from "./budget.ts";
import { locationOf } from "./reporter.ts";

export type TensorInput = Value | readonly Value[];

export interface OpUse {
  readonly definition: OpDefinition;
  /** What the model file passes, by input name. */
  readonly inputs: Readonly<Record<string, TensorInput>>;
  /** Stored form, defaults filled in. */
  readonly options: Readonly<Record<string, OptionValue>>;
  /** What parameters and values are named after. */
  readonly name: string;
  /** Whether a parameter called `bias` is wanted. */
  readonly bias: boolean;
  readonly node: ts.Node;
}

const emptyGraph = (name: string, mode: Mode, image: ImageInput, input: Value): Graph => ({
  stage: "graph",
  name,
  mode,
  image,
  inputs: [{ value: input, kind: "input" }],
  states: [],
  nodes: [],
  outputs: [],
  updates: [],
});

export class ModelBuilder {
  /** The picture, f32[batch, channels, height, width]. */
  readonly input: Value;
  private readonly empty: Graph;
  private readonly builder: GraphBuilder;
  private readonly states: State[] = [];
  private readonly counts = new Map<string, number>();
  /** Names of ops with parameters, and the calls that have them. */
  readonly named = new Map<string, ts.Node>();

  constructor(name: string, mode: Mode, image: ImageInput, batch: number) {
    this.input = { name: "input", type: f32(batch, image.channels, image.height, image.width) };
    this.empty = emptyGraph(name, mode, image, this.input);
    this.builder = new GraphBuilder(this.empty);
  }

  /** `conv2d_1`, then `conv2d_2`: a number for each use of an op that is not named. */
  nextName(op: string): string {
    const number = (this.counts.get(op) ?? 0) + 1;
    this.counts.set(op, number);
    return `${op}_${number}`;
  }

  /** Adds a node and the parameters it brings along. Returns its outputs by name. Throws OpError from its shape rule. */
  add({ definition, inputs, options, name, bias, node }: OpUse): Readonly<Record<string, Value>> {
    if (this.builder.nodes.length >= nodeLimit)
      throw new BudgetExceeded(`the model has more than ${nodeLimit.toLocaleString("en-US")} ops`);
    const types = Object.fromEntries(
      Object.entries(inputs).map(([key, v]) => [key, Array.isArray(v) ? v.map((each: Value) => each.type) : typeOf(v)]),
    );
    // The shape rule first: it says what is wrong with the inputs before parameters are made of them.
    inferTypes(definition, types, options);
    const parameters: Record<string, Value> = {};
    const specs = definition.parameters?.(types as never, readOptions(definition, options)) ?? {};
    for (const [key, spec] of Object.entries(specs))
      if (spec && (bias || key !== "bias"))
        parameters[key] = this.state(`${name}.${key}`, spec.shape, spec.initializer, spec.role);
    return this.builder.emit(definition.name, { ...inputs, ...parameters }, options, name, locationOf(node));
  }

  /** The node that a value comes from; undefined for the picture and parameters. */
  producer(value: Value): Node | undefined {
    return this.builder.nodes.find((node) => outputValues(node).includes(value));
  }

  private state(
    name: string,
    shape: readonly number[],
    initializer: Initializer,
    role: State["role"] = "parameter",
  ): Value {
    const value = this.builder.value(name, tensorType("f32", shape));
    this.states.push({ value, role, initializer });
    return value;
  }

  /** The finished graph, whose output is `output`. */
  graph(output: Value, classes: number | undefined): Graph {
    return {
      ...this.empty,
      ...(classes === undefined ? {} : { classes }),
      states: this.states,
      nodes: this.builder.nodes,
      outputs: [{ name: "output", value: output }],
    };
  }
}

const typeOf = (value: TensorInput) => (value as Value).type;
