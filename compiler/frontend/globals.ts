/** What every model file can use without an import. */
import { BuiltinValue, describe, NamespaceValue, type Static, Unknown, unknown } from "./values.ts";

const mathFunction = (name: string, f: (...values: number[]) => number): [string, Static] => [
  name,
  new BuiltinValue(`Math.${name}`, (args, call, m) => {
    if (args.length === 0) return m.report("KILN1012", call, `Math.${name} takes a number, but gets none`);
    const wrong = args.filter((a) => typeof a.value !== "number");
    for (const { value, node } of wrong)
      if (!(value instanceof Unknown)) m.report("KILN1012", node, `${describe(value)} where a number is wanted`);
    return wrong.length > 0 ? unknown : f(...args.map((a) => a.value as number));
  }),
];

const math = new NamespaceValue(
  "Math",
  new Map([
    mathFunction("floor", Math.floor),
    mathFunction("ceil", Math.ceil),
    mathFunction("round", Math.round),
    mathFunction("min", Math.min),
    mathFunction("max", Math.max),
  ]),
  "KILN1002",
);

export const globals: ReadonlyMap<string, Static> = new Map<string, Static>([
  ["Math", math],
  ["undefined", undefined],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
]);
