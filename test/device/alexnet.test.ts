/** AlexNet at full size against PyTorch, on the best adapter: the batch of eight, and 64 made of eight copies of it. */
import { afterAll, beforeAll, expect, test } from "vitest";
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
beforeAll(async () => {
  opened = await openDevice({ adapter: adapterNames[0] });
});
afterAll(() => opened.device.destroy());

const repeat = <T>(copies: number, list: readonly T[]): T[] => Array.from({ length: copies }, () => list).flat();

async function open(copies: number, entries: readonly EntryName[]): Promise<Session> {
  const artifact = compileModel(model, { batch: batch * copies, target: opened.target, entries });
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

async function expectFirstPass(session: Session, copies: number): Promise<void> {
  await session.run("gradients");
  const read = (name: string) => session.readOutput("gradients", name);
  const scores = await read("output");
  expect(relativeError(scores, repeat(copies, output.flat()))).toBeLessThanOrEqual(tolerance.output);
  const [actual] = await read("loss");
  expect(Math.abs(actual - loss) / loss).toBeLessThanOrEqual(tolerance.loss);
  for (const name of Object.keys(gradients)) {
    const gradient = await read(name);
    expectGradient(name, name === "grad.input" ? addCopies(gradient, copies) : gradient);
  }
}

test("batch 8: output, loss and gradients, then the losses of three steps", { timeout }, async () => {
  const session = await open(1, ["gradients", "step"]);
  try {
    await expectFirstPass(session, 1);
    session.setUniforms({ lr });
    const seen: number[] = [];
    for (let step = 1; step <= fixture.steps; step++) seen.push(await (await session.submitStep({ step })).loss);
    expect(seen).toHaveLength(losses.length);
    for (const [i, expected] of losses.entries())
      expect(Math.abs(seen[i] - expected) / expected, `loss ${i}`).toBeLessThanOrEqual(tolerance.losses);
  } finally {
    session.destroy();
  }
});

test("batch 64 of eight copies: the same loss and gradients", { timeout }, async () => {
  const session = await open(8, ["gradients"]);
  try {
    await expectFirstPass(session, 8);
  } finally {
    session.destroy();
  }
});
