/** A device that goes away, or reports an error, ends in one clear error: never in a hang or in numbers. */
import { expect, test } from "vitest";
import { createSession, type Device, evaluate, KilnError, type Session, train } from "../../runtime/index.ts";
import { onEveryAdapter, onEveryDevice, tinyFor } from "../runtime/devices.ts";
import { tinyPictures } from "../runtime/tinyPictures.ts";

const settings = { train: tinyPictures(40), test: tinyPictures(12), learningRate: 0.1 };

async function ready(device: Device): Promise<Session> {
  const session = await createSession(device, tinyFor(device), {
    entries: ["step", "forward"],
    pictures: { height: 2, width: 2 },
  });
  session.setUniforms({ lr: 0.1 });
  session.writePictures(new Uint8Array(48), 2, 2);
  session.writeLabels([0, 1, 2, 0]);
  return session;
}

/** What a promise rejects with; fails where it resolves, or does nothing for five seconds. */
async function failure(promise: Promise<unknown>): Promise<KilnError> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("nothing happened: it hangs")), 5000);
  });
  const error = await Promise.race([promise.then(() => new Error("it did not fail")), late])
    .catch((e) => e)
    .finally(() => clearTimeout(timer));
  expect(error).toBeInstanceOf(KilnError);
  return error;
}

const lost = { kind: "device-lost", message: expect.stringContaining("the device was lost: it was destroyed.") };

onEveryDevice((open) => {
  test("destroyed with steps under way", async () => {
    const device = await open();
    const session = await ready(device);
    const first = await session.submitStep({ step: 1, pictures: true });
    const second = await session.submitStep({ step: 2, pictures: true });
    const third = session.submitStep({ step: 3, pictures: true }); // waits for a slot
    device.destroy();
    for (const promise of [first.loss, second.loss]) {
      // A step that the device had just finished may still tell its loss.
      const outcome = await promise.catch((error) => error);
      if (typeof outcome !== "number") expect(outcome).toMatchObject(lost);
    }
    await third.then(({ loss }) => loss).catch((error) => expect(error).toMatchObject(lost));
    expect(await failure(session.submitStep({ step: 4, pictures: true }))).toMatchObject(lost);
    expect(await failure(session.run("forward", { pictures: true }))).toMatchObject(lost);
    expect(await failure(session.readState("dense_1.weight"))).toMatchObject(lost);
    expect(await failure(session.readStates())).toMatchObject(lost);
    expect(await failure(session.writeState("dense_1.weight", new Float32Array(36)))).toMatchObject(lost);
    expect(await failure(session.profile("step", { pictures: true }))).toMatchObject(lost);
  });

  test("destroyed while reading back", async () => {
    const device = await open();
    const session = await ready(device);
    await session.run("step", { pictures: true });
    const reading = session.readStates();
    device.destroy();
    expect(await failure(reading)).toMatchObject(lost);
  });

  test.each([0, 1, 5, 20])("destroyed %d ms into making a session", async (delay) => {
    const device = await open();
    const made = createSession(device, tinyFor(device), { entries: ["step", "forward"] });
    made.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, delay));
    device.destroy();
    // It may have been quick enough; then it is the next call that fails.
    const session = await made.catch((error) => error);
    if (session instanceof KilnError) expect(session).toMatchObject(lost);
    else expect(await failure(session.readStates())).toMatchObject(lost);
  });

  test("destroyed while training, and while evaluating", async () => {
    const device = await open();
    const session = await ready(device);
    const steps: number[] = [];
    const training = train(session, {
      ...settings,
      epochs: 1000,
      onStep: ({ step }) => {
        steps.push(step);
        if (step === 3) device.destroy();
      },
    });
    expect(await failure(training)).toMatchObject(lost);
    expect(steps.length).toBeLessThanOrEqual(5);

    const other = await open();
    const evaluating = evaluate(await ready(other), settings.test, { onProgress: () => other.destroy() });
    expect(await failure(evaluating)).toMatchObject(lost);
  });
});

onEveryAdapter((open) => {
  test("an error that nobody waited for fails the next operation with its text", async () => {
    const device = await open();
    const session = await ready(device);
    await session.run("step", { pictures: true });
    device.gpu.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const error = await failure(session.run("step", { pictures: true }));
    expect(error.kind).toBe("validation");
    expect(error.message).toMatch(/^the device reported an error: .*MapRead/s);
  });
});
