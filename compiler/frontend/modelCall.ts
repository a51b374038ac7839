/** `image(...)` and `model(...)`: what "kiln" exports besides ops, and how a model's function becomes a graph. */
import type { ts } from "ts-morph";
import type { Graph, ImageInput, Mode } from "../ir/graph.ts";
import { formatType } from "../ir/types.ts";
import type { OpDefinition } from "../ops/define.ts";
import { ops } from "../ops/registry.ts";
import type { Machine } from "./machine.ts";
import { ModelBuilder } from "./modelBuilder.ts";
import { type Given, isCount, knownOptions, optionNames, reportMissing, reportWrong } from "./options.ts";
import { origins } from "./origins.ts";
import { placeOf } from "./reporter.ts";
import { bindSettings, type Settings } from "./settings.ts";
import {
  type Argument,
  BuiltinValue,
  describe,
  FunctionValue,
  ImageValue,
  isArray,
  type KilnExports,
  ModelValue,
  ObjectValue,
  OpValue,
  type Static,
  TensorValue,
  Unknown,
  unknown,
} from "./values.ts";

const types = ["Tensor", "ImageInput", "Model", "Pair", "ImageOptions", "ModelOptions"];

const optionsType = (op: OpDefinition): string => `${op.name[0].toUpperCase()}${op.name.slice(1)}Options`;

/** What compiler/dsl declares; `created` collects the models of all files. */
export const kilnExports = (created: ModelValue[]): KilnExports => ({
  types: new Set([
    ...types,
    ...[...ops.values()].filter((op) => !op.inner && optionNames(op).length > 0).map(optionsType),
  ]),
  values: new Map<string, Static>([
    ["model", new BuiltinValue("model", (args, call, m) => model(m, args, call, created))],
    ["image", new BuiltinValue("image", (args, call, m) => image(m, args, call))],
    ...[...ops.values()].filter((op) => !op.inner).map((op): [string, Static] => [op.name, new OpValue(op)]),
  ]),
});

const extents = ["channels", "height", "width"] as const;

/** image(channels, height, width, { mean = 0, std = 1 }) */
function image(m: Machine, args: readonly Argument[], call: ts.CallExpression): Static {
  if (args.length < 3 || args.length > 4)
    return m.report("KILN2012", call, `image takes channels, height and width, but gets ${args.length} arguments`, {
      help: "write image(3, 224, 224), with { mean, std } behind where pictures are normalised",
    });
  let known = true;
  extents.forEach((name, i) => {
    const { value, node } = args[i];
    if (isCount(value)) return;
    known = false;
    if (!(value instanceof Unknown))
      m.report("KILN2006", node, `image: ${name} is ${describe(value)}, but must be an integer of at least 1`);
  });
  const [channels, height, width] = args.map((a) => a.value as number);
  const scale = { mean: 0 as number | readonly number[], std: 1 as number | readonly number[] };
  const options = args[3];
  if (options && !(options.value instanceof ObjectValue)) {
    known = false;
    if (!(options.value instanceof Unknown))
      m.report("KILN2006", options.node, `image: ${describe(options.value)} where { mean, std } is wanted`);
  } else if (options) {
    const found = knownOptions(m, "image", options.value as ObjectValue, options.node, ["mean", "std"]);
    known &&= found.known;
    for (const name of ["mean", "std"] as const) {
      const given = found.given.get(name);
      if (!given) continue;
      const value = perChannel(m, name, given, known ? channels : undefined);
      if (value === undefined) known = false;
      else scale[name] = value;
    }
  }
  if (!known) return unknown;
  const spread = (v: number | readonly number[]) => (typeof v === "number" ? Array<number>(channels).fill(v) : v);
  return new ImageValue({ channels, height, width, mean: spread(scale.mean), std: spread(scale.std) });
}

/** A number, or one a channel; std is above 0. */
const perChannel = (m: Machine, name: "mean" | "std", given: Given, channels: number | undefined) => {
  const { value } = given;
  const suits = (v: Static): v is number => Number.isFinite(v) && (name === "mean" || (v as number) > 0);
  if (suits(value)) return value;
  const fits = isArray(value) && (channels === undefined || value.length === channels);
  if (fits && value.every(suits)) return value as number[];
  if (value instanceof Unknown || (isArray(value) && value.some((v) => v instanceof Unknown))) return undefined;
  reportWrong(m, "image", name, given, `a number${name === "std" ? " above 0" : ""}, or an array of one a channel`);
  return undefined;
};

/** model({ input, classes? }, (x, { setting = 1 }) => ...) */
function model(m: Machine, args: readonly Argument[], call: ts.CallExpression, created: ModelValue[]): Static {
  if (args.length !== 2)
    return m.report("KILN2012", call, `model takes its options and a function, but gets ${args.length} arguments`, {
      help: "write model({ input: image(3, 224, 224), classes: 10 }, (x) => ...)",
    });
  const [options, body] = args;
  let input: ImageInput | undefined;
  let classes: ModelValue["classes"];
  if (options.value instanceof ObjectValue) {
    const { given } = knownOptions(m, "model", options.value, options.node, ["input", "classes"]);
    const inputOption = given.get("input");
    if (inputOption?.value instanceof ImageValue) input = inputOption.value.image;
    else if (!inputOption)
      reportMissing(m, "model", new Map([["input", "the picture that enters, image(3, 224, 224)"]]), options.node);
    else if (!(inputOption.value instanceof Unknown))
      reportWrong(m, "model", "input", inputOption, "an image", "write image(channels, height, width)");
    const count = given.get("classes");
    if (count && isCount(count.value)) classes = { count: count.value, node: count.at };
    else if (count && !(count.value instanceof Unknown))
      reportWrong(m, "model", "classes", count, "an integer of at least 1");
  } else if (!(options.value instanceof Unknown))
    m.report("KILN2006", options.node, `model: ${describe(options.value)} where { input, classes } is wanted`);
  const callable = body.value instanceof FunctionValue;
  if (!callable && !(body.value instanceof Unknown))
    m.report("KILN2006", body.node, `model: ${describe(body.value)} where a function of the picture is wanted`, {
      help: "write model({ ... }, (x) => ...)",
    });
  const value = new ModelValue(call, input, classes, callable ? body : undefined);
  created.push(value);
  return value;
}

export interface GraphOptions {
  readonly name: string;
  readonly mode: Mode;
  readonly batch: number;
  /** What `--set` gave; undefined for a model that is not the file's default export. */
  readonly settings: Settings | undefined;
}

/** Evaluates a model's function. Undefined where a mistake keeps it from having an output. */
export function buildGraph(m: Machine, of: ModelValue, options: GraphOptions): Graph | undefined {
  if (!of.body) return undefined;
  const f = of.body.value as FunctionValue;
  // Where the picture is wrong the function is still evaluated, for the mistakes of its own.
  const picture = of.image ?? { channels: 1, height: 1, width: 1, mean: [0], std: [1] };
  const builder = new ModelBuilder(options.name, options.mode, picture, options.batch);
  const x = of.image ? new TensorValue(builder.input, builder, f.node.parameters[0] ?? of.call) : unknown;
  m.model = builder;
  try {
    const args: Argument[] = [{ value: x, node: of.body.node }];
    if (f.node.parameters.length > 1 || (options.settings && options.settings.size > 0))
      args.push({ value: bindSettings(m, f, options.settings), node: of.body.node });
    const { value, node } = m.call(f, args.slice(0, Math.max(1, f.node.parameters.length)), f.node);
    return output(m, builder, of, value, node);
  } finally {
    m.model = undefined;
  }
}

const output = (
  m: Machine,
  builder: ModelBuilder,
  { classes }: ModelValue,
  value: Static,
  node: ts.Node,
): Graph | undefined => {
  if (value instanceof Unknown) return undefined;
  if (!(value instanceof TensorValue)) {
    const several = isArray(value) ? "return one of them, or concat them" : "end with `return x`";
    m.report("KILN2011", node, `the model returns ${describe(value)}, but must return a tensor`, { help: several });
    return undefined;
  }
  if (value.owner !== builder) {
    m.report("KILN2010", node, `the model returns ${describe(value)} of another model`, {
      related: [{ place: placeOf(value.node), message: "it is made here" }],
    });
    return undefined;
  }
  const { type } = value.value;
  const batch = builder.input.type.shape[0];
  if (classes && !(type.shape.length === 2 && type.shape[1] === classes.count)) {
    const wanted = formatType({ ...type, shape: [batch, classes.count] });
    const flat = type.shape.length === 2 ? "x" : "flatten(x)";
    m.report(
      "KILN2011",
      node,
      `the model returns ${formatType(type)}, but with classes ${classes.count} it must be ${wanted}`,
      {
        help: `end with \`dense(${flat}, { units: ${classes.count} })\`, or change classes`,
        related: [{ place: placeOf(classes.node), message: "classes is given here" }, ...origins([value], builder)],
      },
    );
    return undefined;
  }
  return builder.graph(value.value, classes?.count);
};
