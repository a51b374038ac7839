/** A call of an op: checks its inputs and options, and adds it to the model's graph. */
import type { ts } from "ts-morph";
import { didYouMean, suggest } from "../diagnostics/suggest.ts";
import type { OptionValue } from "../ir/graph.ts";
import type { Value } from "../ir/types.ts";
import { type InputSpec, type OpDefinition, OpError } from "../ops/define.ts";
import { fillOptions } from "../ops/shapeRule.ts";
import type { Machine } from "./machine.ts";
import type { ModelBuilder, TensorInput } from "./modelBuilder.ts";
import { type Given, knownOptions, optionNames, readOption, reportMissing, reportWrong } from "./options.ts";
import { origins } from "./origins.ts";
import { placeOf } from "./reporter.ts";
import {
  type Argument,
  describe,
  isArray,
  ObjectValue,
  type OpValue,
  type Static,
  TensorValue,
  Unknown,
  unknown,
} from "./values.ts";

/** The value of a call of an op: a tensor, or an array of tensors where the op numbers its outputs. */
export function callOp(m: Machine, op: OpDefinition, args: readonly Argument[], call: ts.CallExpression): Static {
  const names = tensorNames(op);
  // `undefined` in place of options is as good as none.
  if (args.length > names.length && args.at(-1)?.value === undefined) args = args.slice(0, -1);
  const last = args.at(-1);
  const hasOptions =
    last?.value instanceof ObjectValue || (last?.value instanceof Unknown && args.length > names.length);
  const tensors = hasOptions ? args.slice(0, -1) : args;
  const inputs = readInputs(m, op, names, tensors, call);
  // Inputs in place of options are one mistake, not two.
  const options =
    !hasOptions && tensors.length > names.length ? undefined : readOptions(m, op, hasOptions ? last : undefined, call);
  const model = m.model;
  if (!options || !model) return unknown;
  const name = takeName(m, model, op, options.name, call);
  if (!inputs || !options.stored) return unknown;
  try {
    const outputs = model.add({
      definition: op,
      inputs,
      options: options.stored,
      name,
      bias: options.bias,
      node: call,
    });
    const results = Object.values(outputs).map((value) => new TensorValue(value, model, call));
    if (Object.keys(outputs).every((key) => /^\d+$/.test(key))) return results;
    const [y] = results;
    return options.activation ? callOp(m, activationOp(m, options.activation), [{ value: y, node: call }], call) : y;
  } catch (error) {
    if (!(error instanceof OpError)) throw error;
    return m.report(error.code, call, error.message, { help: error.help, related: origins(tensorsOf(args), model) });
  }
}

/** Inputs that a model file passes: one where an op brings parameters along, else all. */
const tensorNames = (op: OpDefinition): string[] => Object.keys(op.inputs).slice(0, op.parameters ? 1 : undefined);

const activationOp = (m: Machine, name: string): OpDefinition => (m.kiln.values.get(name) as OpValue).definition;

/** The tensors among arguments, lists flattened. */
const tensorsOf = (args: readonly Argument[]): TensorValue[] =>
  args
    .flatMap(({ value }) => (isArray(value) ? value : [value]))
    .filter((value): value is TensorValue => value instanceof TensorValue);

// ---------------------------------------------------------------- inputs

/** The tensors by input name; undefined where something is wrong with them. */
const readInputs = (
  m: Machine,
  op: OpDefinition,
  names: readonly string[],
  args: readonly Argument[],
  call: ts.CallExpression,
): Record<string, TensorInput> | undefined => {
  if (args.length !== names.length) {
    const required = Object.keys(op.options).filter((option) => op.options[option].default === undefined);
    const braces = required.length > 0 ? `, { ${required.join(", ")} }` : "";
    const count = `${names.length} input${names.length === 1 ? "" : "s"}`;
    m.report("KILN2012", call, `${op.name} takes ${count} (${names.join(", ")}), but gets ${args.length}`, {
      help: `write ${op.name}(${names.join(", ")}${braces})`,
    });
    return undefined;
  }
  const inputs: Record<string, TensorInput> = {};
  names.forEach((name, i) => {
    const input = readInput(m, op, name, op.inputs[name], args[i]);
    if (input) inputs[name] = input;
  });
  return Object.keys(inputs).length === names.length ? inputs : undefined;
};

const readInput = (
  m: Machine,
  op: OpDefinition,
  name: string,
  spec: InputSpec,
  arg: Argument,
): TensorInput | undefined => {
  const { value, node } = arg;
  if (value instanceof Unknown) return undefined;
  const wrong = (wanted: string, help?: string) =>
    void m.report("KILN2006", node, `${op.name}: ${name} is ${describe(value)}, but must be ${wanted}`, { help });
  if (spec.kind === "tensor") {
    if (value instanceof TensorValue) return owned(m, op, value, node);
    const several = isArray(value) && value.some((v) => v instanceof TensorValue);
    const oneOfThem = several ? "take one of them: `const [a, b] = ...`, or `list[0]`" : undefined;
    return wrong("a tensor", value === undefined ? "is a `return` missing where it comes from?" : oneOfThem);
  }
  if (!isArray(value)) return wrong("an array of tensors", value instanceof TensorValue ? "write [a, b]" : undefined);
  if (value.length === 0) return wrong("an array of at least one tensor");
  const odd = value.findIndex((v) => !(v instanceof TensorValue || v instanceof Unknown));
  if (odd >= 0)
    return void m.report(
      "KILN2006",
      node,
      `${op.name}: ${name}[${odd}] is ${describe(value[odd])}, but must be a tensor`,
    );
  const tensors = value.map((v) => (v instanceof TensorValue ? owned(m, op, v, node) : undefined));
  return tensors.includes(undefined) ? undefined : (tensors as Value[]);
};

/** The tensor, if it is of the model that is being evaluated. */
const owned = (m: Machine, op: OpDefinition, tensor: TensorValue, node: ts.Node): Value | undefined => {
  if (tensor.owner === m.model) return tensor.value;
  m.report("KILN2010", node, `${op.name}: ${describe(tensor)} belongs to another model`, {
    help: "a model is made of its own input alone; pass tensors as parameters of functions",
    related: [{ place: placeOf(tensor.node), message: "it is made here" }],
  });
  return undefined;
};

// ---------------------------------------------------------------- options

interface ReadOptions {
  /** Absent where something is wrong that the op's shape may depend on. */
  readonly stored?: Readonly<Record<string, OptionValue>>;
  readonly name?: Given;
  readonly bias: boolean;
  readonly activation?: string;
}

const activations = ["relu"];
const noOptions = new ObjectValue(new Map());

/** The options that `arg` holds; undefined where it is unknown. */
const readOptions = (
  m: Machine,
  op: OpDefinition,
  arg: Argument | undefined,
  call: ts.CallExpression,
): ReadOptions | undefined => {
  if (arg?.value instanceof Unknown) return undefined;
  const specs = Object.entries(op.options).filter(([, spec]) => !spec.hidden);
  const object = (arg?.value as ObjectValue | undefined) ?? noOptions;
  const options = knownOptions(m, op.name, object, arg?.node ?? call, optionNames(op));
  const { given } = options;

  const stored: Record<string, OptionValue> = {};
  const missing = new Map<string, string>();
  let { known } = options;
  for (const [name, spec] of specs) {
    const option = given.get(name);
    if (!option) {
      if (spec.default === undefined) missing.set(name, spec.doc);
      continue;
    }
    const value = readOption(m, op.name, name, spec, option);
    if (value === undefined) known = false;
    else stored[name] = value;
  }
  reportMissing(m, op.name, missing, call);
  const extras = readExtras(m, op, given);
  return known && missing.size === 0 ? { stored: fillOptions(op, stored), ...extras } : extras;
};

/** `bias`, `activation` and `name`: wrong ones are reported, and as none depends on them the op goes on without. */
const readExtras = (m: Machine, op: OpDefinition, given: ReadonlyMap<string, Given>) => {
  const bias = given.get("bias");
  if (bias && typeof bias.value !== "boolean" && !(bias.value instanceof Unknown))
    reportWrong(m, op.name, "bias", bias, "true or false");
  const act = given.get("activation");
  const isActivation = typeof act?.value === "string" && activations.includes(act.value);
  if (act && !isActivation && !(act.value instanceof Unknown)) {
    const near = typeof act.value === "string" ? suggest(act.value, activations) : undefined;
    reportWrong(
      m,
      op.name,
      "activation",
      act,
      activations.map((a) => JSON.stringify(a)).join(" or "),
      didYouMean(near),
    );
  }
  return {
    bias: bias?.value !== false,
    activation: isActivation ? (act.value as string) : undefined,
    name: given.get("name"),
  };
};

// ---------------------------------------------------------------- names

const namePattern = /^[A-Za-z_]\w*(\.\w+)*$/;

/** What the op is called: its `name`, or its number. An op with parameters has a name of its own. */
const takeName = (
  m: Machine,
  model: ModelBuilder,
  op: OpDefinition,
  given: Given | undefined,
  call: ts.CallExpression,
): string => {
  if (!op.parameters) return model.nextName(op.name);
  let name = given?.value;
  if (given && !(typeof name === "string" && namePattern.test(name))) {
    if (!(name instanceof Unknown))
      reportWrong(m, op.name, "name", given, "a string of letters, digits, _ and .", 'like "stem" or "stage1.conv"');
    name = undefined;
  }
  const taken = (name as string | undefined) ?? model.nextName(op.name);
  const first = model.named.get(taken);
  if (first && m.speculative === 0) {
    const what = given ? `the name \`${taken}\`` : `\`${taken}\`, which an op without a name gets,`;
    m.report("KILN2009", given?.at ?? call, `${what} is used twice; its parameters would have the same names`, {
      help: given ? `make it differ, as in \`\${name}_2\`` : "choose another name for the other op",
      related: [{ place: placeOf(first), message: "used here first" }],
    });
  } else model.named.set(taken, given?.at ?? call);
  return taken;
};
