/** The text of the stage `fused`. */
import { type FusedProgram, type Group, type ReduceStep, type Step, type StoreStep, scalarsOf } from "../ir/fused.ts";
import type { Axis } from "../ir/index.ts";
import { readsOf, type Scalar } from "../ir/scalar.ts";
import { Sharing } from "../ir/share.ts";
import { formatType, type Value } from "../ir/types.ts";
import { formatAlgorithm, formatLayout, formatLocation, formatName } from "./names.ts";
import { printIndex } from "./printIndex.ts";
import { bindAxes, formatValue, printProgram } from "./printProgram.ts";
import { newScope, printBody, printScalar } from "./printScalar.ts";

export function printFused(program: FusedProgram): string {
  const layout = (value: Value): string => formatLayout(program.layouts.get(value), value);
  const groups = program.groups.map((group) => printGroup(group, layout));
  const mentioned = program.groups.flatMap((group) =>
    group.steps.flatMap((step) => [
      ...(step.kind === "store" ? [step.value] : []),
      ...scalarsOf(step).flatMap((scalar) => readsOf(scalar).map((read) => read.tensor)),
    ]),
  );
  return printProgram(program, groups.join("\n\n"), { suffix: layout, mentioned });
}

type LayoutOf = (value: Value) => string;

function printGroup(group: Group, layout: LayoutOf): string {
  const printer = new StepPrinter(layout);
  const over = printer.over(group.axes);
  const from = group.ops.length > 0 ? ` from ${group.ops.map(formatName).join(", ")}` : "";
  const places = group.locations.map(formatLocation).join("");
  const steps = group.steps.map((s) => printer.step(s));
  const by = formatAlgorithm(group.algorithm);
  const textures = group.textureBytes === undefined ? "" : ` textures ${group.textureBytes}`;
  return [`group ${formatName(group.name)} ${over}${from}${by}${textures}${places} {`, ...steps, "}"].join("\n");
}

/** The steps of one group. */
class StepPrinter {
  private readonly scope = newScope();
  private readonly sharing = new Sharing();

  constructor(private readonly layout: LayoutOf) {}

  over(axes: readonly Axis[]): string {
    return `over (${bindAxes(axes, this.scope)})`;
  }

  step(step: Step): string {
    return this.scope.withAxes(() => (step.kind === "reduce" ? this.reduce(step) : this.store(step)));
  }

  /** `acc: f32 = sum over (p<3) of %x[n, i + p]` */
  private reduce(step: ReduceStep): string {
    const over = this.over(step.axes);
    const results = step.results.map((local) => `${this.scope.bindLocal(local)}: ${local.dtype}`);
    const head = `${results.join(", ")} = ${step.combiner} ${over}`;
    const start = step.start ? ` from ${printScalar(this.sharing.scalar(step.start), this.scope)}` : "";
    return this.withBody(`${head}${start} of`, step.body);
  }

  /** `store %y[n, c]: f32[2,4] = max(acc, 0.0)`, or `over (k<4) store %y[n, 4*c + k]: ...` */
  private store(step: StoreStep): string {
    const over = step.axes.length > 0 ? `${this.over(step.axes)} ` : "";
    const index = step.index.map((i) => printIndex(this.sharing.index(i), this.scope)).join(", ");
    const { value } = step;
    const target = `${formatValue(value)}[${index}]: ${formatType(value.type)}${this.layout(value)}`;
    return this.withBody(`${over}store ${target} =`, step.expr);
  }

  private withBody(head: string, scalar: Scalar): string {
    const body = printBody(this.sharing.scalar(scalar), this.scope, 4, head.length + 3);
    return `  ${head}${body.startsWith("\n") ? "" : " "}${body}`;
  }
}
