/** Winograd's transforms and batched contractions through the whole pipeline, run where the plan puts them. */
import { describe, expect, test } from "vitest";
import type { TileChoice } from "../../compiler/passes/algorithm.ts";
import { buildEntries } from "../../compiler/passes/entries.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { model } from "./models.ts";
import { runPlanned } from "./planned.ts";

const chooseTile: TileChoice = ({ outputSize: [h, w] }) => (h >= 4 && w >= 4 ? [4, 4] : [2, 2]);

const convolutions = {
  "3x3 and relu": { input: [2, 3, 10, 9], options: { channels: 8, kernel: [3, 3] } },
  "5x5, padded": { input: [2, 4, 9, 9], options: { channels: 6, kernel: [5, 5], padding: [2, 2] } },
  "stride 4 of 11 taps": { input: [1, 3, 40, 44], options: { channels: 8, kernel: [11, 11], stride: [4, 4] } },
  "a tile as large as the image": { input: [2, 4, 6, 6], options: { channels: 8, kernel: [3, 3] } },
} as const;

describe.each(Object.keys(convolutions) as (keyof typeof convolutions)[])("%s", (name) => {
  const { input, options } = convolutions[name];
  const network = model([...input], (call, x) => {
    const y = call("relu", call("conv2d", x, { ...options }));
    return call("conv2d", y, { channels: 4, kernel: [3, 3] });
  });
  test.each(["portable", "lavapipe", "swiftshader", "discrete"])("for %s", (targetName) => {
    const graph = buildEntries(network, { velocity: false }).gradientsFromCotangent!;
    const { problems, errors, fused } = runPlanned(graph, loadTarget(targetName), { chooseTile });
    expect(problems).toEqual([]);
    expect(fused.groups.some((g) => g.steps.some((s) => s.kind === "store" && s.value.name.endsWith(".V")))).toBe(true);
    expect(errors.size).toBeGreaterThan(5);
    for (const [what, error] of errors) expect(error, what).toBeLessThan(1e-9);
  });
});
