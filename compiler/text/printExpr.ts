/** The text of the stage `expr`. */
import type { Definition, ExprProgram } from "../ir/expr.ts";
import { formatType, type Value } from "../ir/types.ts";
import { formatLocation, formatName } from "./names.ts";
import { bindAxes, formatValue, printProgram } from "./printProgram.ts";
import { newScope, printScalarLines } from "./printScalar.ts";

export const printExpr = (program: ExprProgram): string =>
  printProgram(program, program.definitions.map(printDefinition).join("\n"));

/** `%y[n, c]: f32[2,4] = sum over (i<3) of %x[n, i] * %w[c, i] from dense @ model.ts:5:7` */
function printDefinition(d: Definition): string {
  const scope = newScope();
  const names = d.axes.map((axis) => scope.bind(axis));
  // The extents are those of the shape; where they are not, the program is wrong and the text says so.
  const domain = (value: Value): string => {
    const { shape } = value.type;
    const asShape = shape.length === d.axes.length && d.axes.every((axis, i) => axis.extent === shape[i]);
    const axes = asShape ? names : names.map((name, i) => `${name}<${d.axes[i].extent}`);
    return `[${axes.join(", ")}]`;
  };
  const outputs = d.outputs.map((v) => `${formatValue(v)}${domain(v)}: ${formatType(v.type)}`);
  const over = d.reduction ? `${d.reduction.combiner} over (${bindAxes(d.reduction.axes, scope)}) of` : "";
  const head = `${outputs.join(", ")} =${over && ` ${over}`}`;
  const tail = `from ${formatName(d.op)}${formatLocation(d.location)}`;
  const body = printScalarLines(d.body, scope, 2, head.length + 1 + tail.length + 1);
  return body.startsWith("\n") ? `${head}${body}\n  ${tail}` : `${head} ${body} ${tail}`;
}
