/** Names of axes that nothing else of their step has: schedules and text call axes by their names. */
import type { Group, Step } from "../../ir/fused.ts";
import { Axis, Index } from "../../ir/index.ts";
import { type Scalar, substituteAxes } from "../../ir/scalar.ts";
import { UniqueNames } from "../../text/names.ts";

/** The group, with those of its axes called otherwise whose names another has before them. */
export function distinctAxes(group: Group): Group {
  const names = new UniqueNames();
  const renamed = new Map<Axis, Axis>();
  const name = (axis: Axis): Axis => {
    const given = names.give(axis.name);
    if (given === axis.name) return axis;
    const made = new Axis(given, axis.extent);
    renamed.set(axis, made);
    return made;
  };
  const axes = group.axes.map(name);
  const stepAxes = group.steps.map((step) => names.within(() => step.axes.map(name)));
  if (renamed.size === 0) return group;
  const map = new Map([...renamed].map(([axis, made]) => [axis, Index.of(made)]));
  const memo = new Map<Scalar, Scalar>();
  const steps = group.steps.map(
    (step, s): Step =>
      step.kind === "reduce"
        ? { ...step, axes: stepAxes[s], body: substituteAxes(step.body, map, memo) }
        : {
            ...step,
            axes: stepAxes[s],
            index: step.index.map((i) => i.substitute(map)),
            expr: substituteAxes(step.expr, map, memo),
          },
  );
  return { ...group, axes, steps };
}
