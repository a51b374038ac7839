/** `kiln doctor --check`: every op on the adapter, forward and backward, against float64. */

import { compileGraph } from "../../compiler/compileGraph.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { elementCount, type Value } from "../../compiler/ir/types.ts";
import { ops } from "../../compiler/ops/registry.ts";
import { lower } from "../../compiler/passes/lower.ts";
import { evaluate } from "../../compiler/reference/evaluate.ts";
import { assemble } from "../../compiler/wasm/assemble.ts";
import type { Device } from "../../runtime/device.ts";
import { uniform } from "../../runtime/program/random.ts";
import type { Target } from "../../runtime/program/schema.ts";
import { createSession } from "../../runtime/session.ts";
import { exampleGraph } from "./exampleGraph.ts";

/** Relative error, ||a - b|| / ||b|| over a tensor, that single precision allows for sums as short as these. */
const tolerance = 1e-5;
const seed = 1;
const entries = ["forward", "gradientsFromCotangent"] as const;

export interface OpCheck {
  /** As the op's file has it: `relu(x: [2,7]) -> [2,7]`. */
  readonly example: string;
  /** The largest relative error of its outputs and gradients; infinite where one is not a number. */
  readonly error: number;
  readonly ok: boolean;
  /** What could not be run at all, and why. */
  readonly failure: string | null;
}

/** Every example of every op that a model file may call. */
export const examples = (): string[] => [...ops.values()].filter((op) => !op.inner).flatMap((op) => op.good);

/** Runs one example: what the adapter makes of it against its definition in float64. */
export async function checkExample(device: Device, target: Target, example: string): Promise<OpCheck> {
  try {
    const error = await errorOf(device, target, exampleGraph(example));
    return { example, error, ok: error <= tolerance, failure: null };
  } catch (error) {
    return { example, error: Number.POSITIVE_INFINITY, ok: false, failure: (error as Error).message };
  }
}

async function errorOf(device: Device, target: Target, graph: Graph): Promise<number> {
  const { model, artifact } = compileGraph(graph, { target, entries });
  const session = await createSession(device, await assemble(artifact), { entries, seed });
  let worst = 0;
  try {
    for (const name of entries) {
      const program = lower(model.entries[name]!.graph);
      const values = drawn([...program.inputs, ...program.states].map(({ value }) => value));
      for (const { value } of program.states)
        await session.writeState(value.name, Float32Array.from(values.get(value)!));
      for (const { value, kind } of program.inputs)
        session.writeInput(name, kind, Float32Array.from(values.get(value)!));
      await session.run(name);
      const expected = evaluate(program, values, { seed, step: 1 });
      for (const { name: output, value } of program.outputs)
        worst = Math.max(worst, relativeError(await session.readOutput(name, output), expected.get(value)!));
      for (const { state, next } of program.updates)
        worst = Math.max(worst, relativeError(await session.readState(state.name), expected.get(next)!));
    }
  } finally {
    session.destroy();
  }
  return worst;
}

/** Numbers that single precision holds exactly, the same in every run; variances are positive. */
function drawn(values: readonly Value[]): Map<Value, Float64Array> {
  return new Map(
    values.map((value, tensor) => {
      const isVariance = value.name.endsWith("running_var");
      const numbers = Float64Array.from({ length: elementCount(value.type.shape) }, (_, i) => {
        const number = 2 * uniform(seed, 0, i, tensor) - 1;
        return Math.fround(isVariance ? 1.5 + number : number);
      });
      return [value, numbers] as const;
    }),
  );
}

function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [difference, size] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    size += expected[i] ** 2;
  }
  const error = Math.sqrt(difference) / Math.max(Math.sqrt(size), 1e-12);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}
