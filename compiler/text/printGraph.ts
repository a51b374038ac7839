/** The text of the stages `graph` and `joint`. */
import type { Graph, Node, OptionValue } from "../ir/graph.ts";
import type { Value } from "../ir/types.ts";
import { formatLocation, formatName, formatNumber } from "./names.ts";
import { formatTyped, formatValue, printProgram } from "./printProgram.ts";

/** An output of this name is written without it, if it is the node's first. */
export const usualOutput = "y";

export const printGraph = (graph: Graph): string => printProgram(graph, graph.nodes.map(printNode).join("\n"));

/** `%y: f32[2,4], %m: u32[2,4] as winner = op(x: %x, xs: [%a, %b]) { axis: 1 } @ model.ts:5:7` */
function printNode(node: Node): string {
  const outputs = Object.entries(node.outputs).map(([name, value], i) =>
    i === 0 && name === usualOutput ? formatTyped(value) : `${formatTyped(value)} as ${formatName(name)}`,
  );
  const inputs = Object.entries(node.inputs).map(([name, v]) => `${formatName(name)}: ${operand(v)}`);
  const options = Object.entries(node.options).map(([name, v]) => `${formatName(name)}: ${option(v)}`);
  const braces = options.length > 0 ? ` { ${options.join(", ")} }` : "";
  const call = `${formatName(node.op)}(${inputs.join(", ")})`;
  return `${outputs.join(", ")} = ${call}${braces}${formatLocation(node.location)}`;
}

const isList = (v: Value | readonly Value[]): v is readonly Value[] => Array.isArray(v);

const operand = (v: Value | readonly Value[]): string =>
  isList(v) ? `[${v.map(formatValue).join(", ")}]` : formatValue(v);

function option(v: OptionValue): string {
  if (typeof v === "number") return formatNumber(v);
  return typeof v === "object" ? `[${v.map(formatNumber).join(", ")}]` : JSON.stringify(v);
}
