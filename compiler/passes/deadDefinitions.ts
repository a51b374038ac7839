/** Drops definitions that no output and no update needs, and positions of maxima that nobody looks at. */

import type { Definition, ExprProgram } from "../ir/expr.ts";
import { readsOf } from "../ir/scalar.ts";
import type { Value } from "../ir/types.ts";

export function removeDeadDefinitions(program: ExprProgram): ExprProgram {
  const live = new Set<Value>([...program.outputs.map((o) => o.value), ...program.updates.map((u) => u.next)]);
  const kept: Definition[] = [];
  for (const definition of [...program.definitions].reverse()) {
    if (!definition.outputs.some((v) => live.has(v))) continue;
    for (const { tensor } of readsOf(definition.body)) live.add(tensor);
    kept.push(withoutDeadPosition(definition, live));
  }
  return { ...program, definitions: kept.reverse() };
}

/** firstMax whose position is dead is max. */
const withoutDeadPosition = (definition: Definition, live: ReadonlySet<Value>): Definition => {
  const { outputs, reduction } = definition;
  if (reduction?.combiner !== "firstMax" || live.has(outputs[1])) return definition;
  return { ...definition, outputs: [outputs[0]], reduction: { ...reduction, combiner: "max" } };
};
