/** AlexNet at full size against PyTorch, on the best WebGPU adapter and in WebAssembly: the batch of eight, and 64 made of
 * eight copies of it. */
import { beforeAll, describe, expect, test } from "vitest";
import { assemble } from "../../compiler/index.ts";
import { type OpenedDevice, openDevice } from "../../runtime/node/device.ts";
import type { EntryName } from "../../runtime/program/schema.ts";
import { createSession, type Session } from "../../runtime/session.ts";
import { relativeError } from "../ops/support.ts";
import { adapterNames } from "../runtime/devices.ts";
import { expectGradient, fixture, input, model, parameters } from "./alexnetFixture.ts";
import { compileModel } from "./referenceCases.ts";

const { batch, labels, loss, losses, lr, output, gradients, tolerance } = fixture;
/** SwiftShader takes a minute where lavapipe takes ten seconds. */
const timeout = 400_000;

let opened: OpenedDevice;

const repeat = <T>(copies: number, list: readonly T[]): T[] => Array.from({ length: copies }, () => list).flat();

type Algorithm = "direct" | "auto" | "fast";

async function open(copies: number, entries: readonly EntryName[], algorithm: Algorithm): Promise<Session> {
  const compiled = compileModel(model, { batch: batch * copies, target: opened.target, entries, algorithm });
  const artifact = await assemble(compiled);
  const weights = parameters(artifact.program.state);
  const session = await createSession(opened.device, artifact, { entries, weights });
  const picture = input();
  const all = new Float32Array(picture.length * copies);
  for (let i = 0; i < copies; i++) all.set(picture, i * picture.length);
  for (const entry of entries) session.writeInput(entry, "input", all);
  session.writeLabels(Int32Array.from(repeat(copies, labels)));
  return session;
}

/** The gradient of a copied input, copies added: the loss is a mean, so each has its share. */
function addCopies(data: Float32Array, copies: number): Float32Array {
  const size = data.length / copies;
  const sum = new Float32Array(size);
  for (const [i, x] of data.entries()) sum[i % size] += x;
  return sum;
}

/**
 * Winograd's errors are about ten times those of the sums as they stand; a relu or a maximum that changes sides then
 * moves a whole element of a gradient.
 */
const tolerances: Record<Algorithm, { readonly output: number; readonly gradients: number; readonly losses: number }> =
  {
    direct: tolerance,
    auto: { output: 1e-4, gradients: 3e-2, losses: 5 * tolerance.losses },
    fast: { output: 1e-4, gradients: 3e-2, losses: 5 * tolerance.losses },
  };

async function expectFirstPass(session: Session, copies: number, algorithm: Algorithm): Promise<void> {
  await session.run("gradients");
  const read = (name: string) => session.readOutput("gradients", name);
  const scores = await read("output");
  expect(relativeError(scores, repeat(copies, output.flat()))).toBeLessThanOrEqual(tolerances[algorithm].output);
  const [actual] = await read("loss");
  expect(Math.abs(actual - loss) / loss).toBeLessThanOrEqual(tolerance.loss);
  for (const name of Object.keys(gradients)) {
    const gradient = await read(name);
    const sum = name === "grad.input" ? addCopies(gradient, copies) : gradient;
    expectGradient(name, sum, tolerances[algorithm].gradients);
  }
}

const algorithms = ["direct", "auto", "fast"] as const;

describe.each([adapterNames[0], "wasm"])("%s", (adapter) => {
  beforeAll(async () => {
    opened = await openDevice({ adapter });
    return () => opened.device.destroy();
  });

  test.each(algorithms)("batch 8, %s: output, loss, gradients, three steps' losses", { timeout }, async (algorithm) => {
    const session = await open(1, ["gradients", "step"], algorithm);
    try {
      await expectFirstPass(session, 1, algorithm);
      session.setUniforms({ lr });
      const seen: number[] = [];
      for (let step = 1; step <= fixture.steps; step++) seen.push(await (await session.submitStep({ step })).loss);
      expect(seen).toHaveLength(losses.length);
      for (const [i, expected] of losses.entries())
        expect(Math.abs(seen[i] - expected) / expected, `loss ${i}`).toBeLessThanOrEqual(tolerances[algorithm].losses);
    } finally {
      session.destroy();
    }
  });

  test("batch 64 of eight copies: the same loss and gradients", { timeout }, async () => {
    const session = await open(8, ["gradients"], "auto");
    try {
      await expectFirstPass(session, 8, "auto");
    } finally {
      session.destroy();
    }
  });
});
