/** The parts of the gap between a plan and its bound. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { gapOf } from "../../bench/suites/plans/gap.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import { planMemory } from "../../compiler/plan/plan.ts";
import { textureBytes } from "../../runtime/program/texture.ts";
import { anyProblem, kernel, value } from "../plan/problems.ts";

const dispatch = { kernel: kernel("k", [], []), reads: [], writes: [] };
const buffer = (name: string, offset: number, size: number, start: number, end: number) => ({
  ...{ value: value(name, size / 4), offset, size, start, end },
});

/** Two steps. x is alive over both; y, in the second, lies 256 bytes above it. */
const apart: Plan = {
  buffers: [buffer("x", 0, 512, 0, 2), buffer("y", 768, 256, 1, 2)],
  textures: [],
  arenas: [1024],
  gpuTextures: [],
  arenaBytes: 1024,
  lowerBoundBytes: 768,
  persistentBytes: 0,
  dispatches: [dispatch, dispatch],
};

test("room between values is of packing", () => {
  expect(gapOf(apart)).toEqual({ packingBytes: 256, textureBytes: 0 });
});

test("a value in the place of another is on the same bytes", () => {
  const inPlace = [buffer("x", 0, 512, 0, 2), buffer("y", 0, 512, 1, 2)];
  const plan = { ...apart, buffers: inPlace, arenas: [512], arenaBytes: 512, lowerBoundBytes: 512 };
  expect(gapOf(plan)).toEqual({ packingBytes: 0, textureBytes: 0 });
});

test("a texture that is alive while the arena is not at its most is of textures", () => {
  const extent = { width: 32, height: 1 };
  const texture = { value: value("t", 128), source: value("x", 128), gpuTexture: 0, size: 512, start: 0, end: 1 };
  // At the first step x and the texture: 1024 bytes. At the second x and y: 768.
  const plan = {
    ...apart,
    ...{ textures: [texture], gpuTextures: [extent], arenaBytes: 1024 + textureBytes(extent), lowerBoundBytes: 1024 },
  };
  expect(gapOf(plan)).toEqual({ packingBytes: 256, textureBytes: 256 });
});

test("without textures all of a plan's gap is of packing", () => {
  fc.assert(
    fc.property(anyProblem, (problem) => {
      const plan = planMemory(problem);
      expect(gapOf(plan)).toEqual({ packingBytes: plan.arenaBytes - plan.lowerBoundBytes, textureBytes: 0 });
    }),
    { numRuns: 200 },
  );
});

test("bytes that are nowhere are a fault", () => {
  expect(() => gapOf({ ...apart, arenaBytes: 2048 })).toThrow("a plan of 2048 bytes has 1024 in its arena");
});
