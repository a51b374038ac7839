/** What the text of every stage begins and ends with: header, inputs, states, outputs, updates. */
import type { Graph, ImageInput, Initializer, Input, Output, State, Update } from "../ir/graph.ts";
import type { Axis } from "../ir/index.ts";
import { partsAmong } from "../ir/parts.ts";
import { formatType, type Value } from "../ir/types.ts";
import { formatName, formatNumber } from "./names.ts";
import type { Scope } from "./printIndex.ts";

/** What graphs, expression programs and fused programs have in common. */
export interface Program extends Omit<Graph, "stage" | "nodes"> {
  readonly stage: string;
}

/** What follows a value's type where it is declared: its layout, in fused programs. */
type Suffix = (value: Value) => string;

/** What a stage adds to the text. */
interface Additions {
  readonly suffix?: Suffix;
  /** Of the values that the stage mentions, those that are parts of others are declared before all. */
  readonly mentioned?: readonly Value[];
  /** Further lines of the header. */
  readonly header?: readonly string[];
}

const nothing: Suffix = () => "";

/** `%x` */
export const formatValue = (value: Value): string => `%${formatName(value.name)}`;

/** `%x: f32[2,3]` */
export const formatTyped = (value: Value): string => `${formatValue(value)}: ${formatType(value.type)}`;

/** `i<4, j<4` */
export const bindAxes = (axes: readonly Axis[], scope: Scope): string =>
  axes.map((axis) => `${scope.bind(axis)}<${axis.extent}`).join(", ");

/** The whole text of a program: paragraphs divided by empty lines. `body` is what the stage has of its own. */
export function printProgram(
  program: Program,
  body: string,
  { suffix = nothing, mentioned = [], header: more = [] }: Additions = {},
): string {
  const typed = (value: Value) => formatTyped(value) + suffix(value);
  const parts = [...partsAmong(mentioned)].flatMap(([whole, list]) =>
    list.map((value) => `part ${typed(value)} of ${typed(whole)} from ${value.part!.from}`),
  );
  const enter = [
    ...program.inputs.map((i) => input(i) + suffix(i.value)),
    ...program.states.map((s) => state(s, suffix)),
  ];
  const leave = [...program.outputs.map(output), ...program.updates.map(update)];
  const paragraphs = [
    [...header(program), ...more].join("\n"),
    enter.join("\n"),
    parts.join("\n"),
    body,
    leave.join("\n"),
  ];
  return `${paragraphs.filter((paragraph) => paragraph !== "").join("\n\n")}\n`;
}

const header = (program: Program): string[] => [
  `${program.stage} ${formatName(program.name)} ${program.mode}`,
  image(program.image),
  ...(program.classes === undefined ? [] : [`classes ${program.classes}`]),
];

const numbers = (values: readonly number[]): string => `[${values.map(formatNumber).join(", ")}]`;

const image = (i: ImageInput): string =>
  `image ${numbers([i.channels, i.height, i.width])} mean ${numbers(i.mean)} std ${numbers(i.std)}`;

const input = (i: Input): string => `${i.kind} ${formatTyped(i.value)}`;

const state = (s: State, suffix: Suffix): string =>
  `${s.role} ${formatTyped(s.value)}${suffix(s.value)} = ${initializer(s.initializer)}`;

const initializer = (i: Initializer): string => (i.kind === "xavier" ? "xavier" : `constant ${formatNumber(i.value)}`);

const output = (o: Output): string => `output ${formatName(o.name)} = ${formatValue(o.value)}`;

const update = (u: Update): string => `update ${formatValue(u.state)} <- ${formatValue(u.next)}`;
