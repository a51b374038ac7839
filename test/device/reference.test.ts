/** Every case of test/reference against PyTorch: on each software driver, and on the first GPU that there is. */
import { beforeAll, describe, expect, test } from "vitest";
import { loadTarget } from "../../compiler/index.ts";
import { type OpenedDevice, openDevice } from "../../runtime/node/device.ts";
import { adapterNames } from "../runtime/devices.ts";
import { cases, expectCase, runCase } from "./referenceCases.ts";

/** `portable` has no subgroups: contractions go through workgroup memory. The best adapter stands for all. */
const runs = [
  ...adapterNames.map((adapter) => ({ adapter, target: "its own target" })),
  { adapter: adapterNames[0], target: "portable" },
];

test("the index has cases, each once", () => {
  expect(cases.length).toBeGreaterThanOrEqual(63);
  expect(new Set(cases.map((c) => c.name)).size).toBe(cases.length);
});

describe.each(runs)("$adapter, $target", ({ adapter, target }) => {
  let opened: OpenedDevice;
  beforeAll(async () => {
    opened = await openDevice({ adapter });
    return () => opened.device.destroy();
  });

  test.each(cases)("$name", async (c) => {
    const compiledFor = target === "portable" ? loadTarget(target) : opened.target;
    expectCase(c, await runCase(c, opened.device, compiledFor));
  });
});
