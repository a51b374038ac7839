import { describe, expect, test } from "vitest";
import { parseTarget } from "../../compiler/target/parse.ts";
import { loadTarget, targets } from "../../compiler/target/targets.ts";

describe("targets", () => {
  test("are those that the design names, each under its own name", () => {
    expect([...targets.keys()]).toEqual([
      "portable",
      "lavapipe",
      "swiftshader",
      "discrete",
      "integrated",
      "mobile",
      "small-buffers",
      "few-bindings",
      "wasm",
    ]);
  });
  test("portable has WebGPU's default limits and nothing else", () => {
    expect(loadTarget("portable")).toEqual({
      name: "portable",
      class: "portable",
      limits: {
        maxBufferSize: 256 * 2 ** 20,
        maxStorageBufferBindingSize: 128 * 2 ** 20,
        maxStorageBuffersPerShaderStage: 8,
        maxComputeWorkgroupStorageSize: 16384,
        maxComputeInvocationsPerWorkgroup: 256,
        maxComputeWorkgroupSizeX: 256,
        maxComputeWorkgroupsPerDimension: 65535,
      },
      features: [],
      subgroupSize: null,
    });
  });
  test("an unknown name lists those there are", () => {
    expect(() => loadTarget("metal")).toThrow('no target is called "metal"; there are portable, lavapipe, swiftshader');
  });
});

describe("parseTarget", () => {
  const good = loadTarget("lavapipe");
  test("reads what it wrote", () => {
    expect(parseTarget(JSON.parse(JSON.stringify(good)), "t.json")).toEqual(good);
  });
  test.each([
    ["no object", [], "t.json: a target is a JSON object"],
    ["name", { ...good, name: 3 }, 't.json: "name" must be a string'],
    ["class", { ...good, class: "toaster" }, 't.json: "class" must be one of lavapipe, swiftshader'],
    ["limits", { ...good, limits: null }, 't.json: "limits" must be an object'],
    [
      "a limit",
      { ...good, limits: { ...good.limits, maxBufferSize: -1 } },
      '"limits.maxBufferSize" must be a positive integer',
    ],
    ["an unknown limit", { ...good, limits: { ...good.limits, maxFoo: 1 } }, '"limits.maxFoo" must be left out'],
    ["features", { ...good, features: "subgroups" }, '"features" must be a list of strings'],
    ["subgroupSize", { ...good, subgroupSize: 0 }, '"subgroupSize" must be a positive integer or null'],
  ])("names the field that is wrong: %s", (_, json, message) => {
    expect(() => parseTarget(json, "t.json")).toThrow(message);
  });
});
