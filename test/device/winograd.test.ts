/** Convolutions by Winograd's algorithm on the adapters, in tiles that the cost model would not choose for so little work. */
import { beforeAll, describe, expect, test } from "vitest";
import type { TileChoice } from "../../compiler/passes/algorithm.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { type OpenedDevice, openDevice } from "../../runtime/node/device.ts";
import { adapterNames, deviceNames } from "../runtime/devices.ts";
import { cases, expectCase, runCase } from "./referenceCases.ts";

const names = [
  "conv2d_basic",
  "conv2d_stride_padding",
  "conv2d_11x11_stride4",
  "conv2d_5x5_odd_channels",
  "conv2d_chain",
];
const chosen = cases.filter((c) => names.includes(c.name));

const runs = [
  ...deviceNames.map((adapter) => ({ adapter, target: "its own target" })),
  { adapter: adapterNames[0], target: "portable" },
];

test("every case is there", () => {
  expect(chosen).toHaveLength(names.length);
});

describe.each(runs)("$adapter, $target", ({ adapter, target }) => {
  let opened: OpenedDevice;
  beforeAll(async () => {
    opened = await openDevice({ adapter });
    return () => opened.device.destroy();
  });

  test.each(chosen)("$name", async (c) => {
    let rewritten = 0;
    const chooseTile: TileChoice = ({ outputSize: [h, w] }) => {
      rewritten++;
      return [Math.min(h, 4), Math.min(w, 4)];
    };
    const results = await runCase(c, opened.device, target === "portable" ? loadTarget(target) : opened.target, {
      chooseTile,
    });
    expect(rewritten).toBeGreaterThan(0);
    expectCase(c, results, 5 * c.tolerance);
  });
});
