/** The text of the stage `fused`. */
import type { FusedProgram, Group, Layout, ReduceStep, StoreStep } from "../ir/fused.ts";
import { formatType, type Value } from "../ir/types.ts";
import { formatLocation, formatName } from "./names.ts";
import { printIndex, type Scope } from "./printIndex.ts";
import { bindAxes, formatValue, printProgram } from "./printProgram.ts";
import { newScope, printScalarLines } from "./printScalar.ts";

/** The letters of an image's dimensions. */
export const imageLetters = "nchw";

export function printFused(program: FusedProgram): string {
  const layout = (value: Value): string => formatLayout(program.layouts.get(value), value);
  const groups = program.groups.map((group) => printGroup(group, layout));
  return printProgram(program, groups.join("\n\n"), layout);
}

/** ` layout nhwc` of an image, ` layout [1, 0]` else; nothing of a value with fewer than two dimensions. */
function formatLayout(layout: Layout | undefined, value: Value): string {
  const { length } = value.type.shape;
  if (!layout || length < 2) return "";
  return ` layout ${length === 4 ? layout.map((d) => imageLetters[d]).join("") : `[${layout.join(", ")}]`}`;
}

type LayoutOf = (value: Value) => string;

function printGroup(group: Group, layout: LayoutOf): string {
  const scope = newScope();
  const over = ` over (${bindAxes(group.axes, scope)})`;
  const from = group.ops.length > 0 ? ` from ${group.ops.map(formatName).join(", ")}` : "";
  const places = group.locations.map(formatLocation).join("");
  const steps = group.steps.map((s) => (s.kind === "reduce" ? printReduce(s, scope) : printStore(s, scope, layout)));
  return [`group ${formatName(group.name)}${over}${from}${places} {`, ...steps, "}"].join("\n");
}

/** `acc: f32 = sum over (p<3) of %x[n, i + p]` */
function printReduce(step: ReduceStep, scope: Scope): string {
  const over = bindAxes(step.axes, scope);
  const places = step.results.map((local) => `${scope.bindLocal(local)}: ${local.dtype}`);
  const head = `  ${places.join(", ")} = ${step.combiner} over (${over}) of`;
  return join(head, printScalarLines(step.body, scope, 4, head.length + 1));
}

/** `store %y[n, c]: f32[2,4] = max(acc, 0.0)`, or `over (k<4) store %y[n, 4*c + k]: ...` */
function printStore(step: StoreStep, scope: Scope, layout: LayoutOf): string {
  const over = step.axes.length > 0 ? `over (${bindAxes(step.axes, scope)}) ` : "";
  const index = step.index.map((i) => printIndex(i, scope)).join(", ");
  const { value } = step;
  const head = `  ${over}store ${formatValue(value)}[${index}]: ${formatType(value.type)}${layout(value)} =`;
  return join(head, printScalarLines(step.expr, scope, 4, head.length + 1));
}

const join = (head: string, body: string): string => head + (body.startsWith("\n") ? body : ` ${body}`);
