/** Reads a target's description from JSON. */
import { type Limits, type Target, type TargetClass, targetClasses } from "../../runtime/program/schema.ts";

const limitNames: readonly (keyof Limits)[] = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupsPerDimension",
];

/** The target that `json` describes. Throws an Error that names `source` and the first field that is wrong. */
export function parseTarget(json: unknown, source: string): Target {
  const expect = (field: string, what: string, holds: boolean): void => {
    if (!holds) throw new Error(`${source}: "${field}" must be ${what}`);
  };
  const isObject = (x: unknown): x is Record<string, unknown> =>
    typeof x === "object" && x !== null && !Array.isArray(x);
  const positive = (x: unknown): boolean => Number.isSafeInteger(x) && (x as number) > 0;
  if (!isObject(json)) throw new Error(`${source}: a target is a JSON object`);
  const { name, class: kind, limits, features, subgroupSize } = json;
  expect("name", "a string", typeof name === "string" && name !== "");
  expect("class", `one of ${targetClasses.join(", ")}`, targetClasses.includes(kind as TargetClass));
  expect("limits", "an object", isObject(limits));
  for (const limit of limitNames) {
    expect(`limits.${limit}`, "a positive integer", positive((limits as Record<string, unknown>)[limit]));
  }
  for (const limit of Object.keys(limits as object)) {
    expect(
      `limits.${limit}`,
      `left out, it is not among ${limitNames.join(", ")}`,
      limitNames.includes(limit as keyof Limits),
    );
  }
  expect("features", "a list of strings", Array.isArray(features) && features.every((f) => typeof f === "string"));
  expect("subgroupSize", "a positive integer or null", subgroupSize === null || positive(subgroupSize));
  return { name, class: kind, limits, features, subgroupSize } as Target;
}
