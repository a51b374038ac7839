/** Every case of test/reference against PyTorch: on each software driver, and on the first GPU that there is. */
import { beforeAll, describe, expect, test } from "vitest";
import { loadTarget } from "../../compiler/index.ts";
import { type OpenedDevice, openDevice } from "../../runtime/node/device.ts";
import { adapterNames, deviceNames } from "../runtime/devices.ts";
import { cases, expectCase, runCase } from "./referenceCases.ts";

/**
 * Networks of ops that other cases have one by one. Compiling their many kernels once more takes a driver longer than
 * all other cases together.
 */
const networks = ["residual_net.ts", "inception_block.ts", "depthwise_separable.ts", "named_stages.ts"];

/** `portable` has no subgroups: contractions go through workgroup memory. The best adapter stands for all. */
const runs = [
  ...deviceNames.map((adapter) => ({ adapter, target: "its own target", chosen: cases })),
  { adapter: adapterNames[0], target: "portable", chosen: cases.filter((c) => !networks.includes(c.model)) },
];

test("the index has cases, each once", () => {
  expect(cases.length).toBeGreaterThanOrEqual(63);
  expect(new Set(cases.map((c) => c.name)).size).toBe(cases.length);
});

describe.each(runs)("$adapter, $target", ({ adapter, target, chosen }) => {
  let opened: OpenedDevice;
  beforeAll(async () => {
    opened = await openDevice({ adapter });
    return () => opened.device.destroy();
  });

  test.each(chosen)("$name", async (c) => {
    const compiledFor = target === "portable" ? loadTarget(target) : opened.target;
    expectCase(c, await runCase(c, opened.device, compiledFor));
  });
});
