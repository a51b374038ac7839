/** The text of the stage `expr`. */
import type { Definition, ExprProgram, LaidOutProgram } from "../ir/expr.ts";
import { Sharing } from "../ir/share.ts";
import { formatType, type Value } from "../ir/types.ts";
import { formatAlgorithm, formatLayout, formatLocation, formatName } from "./names.ts";
import { bindAxes, formatValue, printProgram } from "./printProgram.ts";
import { newScope, printBody } from "./printScalar.ts";

export function printExpr(program: ExprProgram | LaidOutProgram): string {
  const layouts = "layouts" in program ? program.layouts : undefined;
  const layout = (value: Value): string => formatLayout(layouts?.get(value), value);
  const body = program.definitions.map((d) => printDefinition(d, layout)).join("\n");
  return printProgram({ ...program, stage: layouts ? "expr laid out" : "expr" }, body, { suffix: layout });
}

/** `%y[n, c]: f32[2,4] = sum over (i<3) of %x[n, i] * %w[c, i] from dense @ model.ts:5:7` */
function printDefinition(d: Definition, layout: (value: Value) => string): string {
  const scope = newScope();
  const names = d.axes.map((axis) => scope.bind(axis));
  // The extents are those of the shape; where they are not, the program is wrong and the text says so.
  const domain = (value: Value): string => {
    const { shape } = value.type;
    const asShape = shape.length === d.axes.length && d.axes.every((axis, i) => axis.extent === shape[i]);
    const axes = asShape ? names : names.map((name, i) => `${name}<${d.axes[i].extent}`);
    return `[${axes.join(", ")}]`;
  };
  const outputs = d.outputs.map((v) => `${formatValue(v)}${domain(v)}: ${formatType(v.type)}${layout(v)}`);
  const over = d.reduction ? `${d.reduction.combiner} over (${bindAxes(d.reduction.axes, scope)}) of` : "";
  const head = `${outputs.join(", ")} =${over && ` ${over}`}`;
  const tail = `from ${formatName(d.op)}${formatAlgorithm(d.algorithm)}${formatLocation(d.location)}`;
  const body = printBody(new Sharing().scalar(d.body), scope, 2, head.length + 1 + tail.length + 1);
  return body.startsWith("\n") ? `${head}${body}\n  ${tail}` : `${head} ${body} ${tail}`;
}
