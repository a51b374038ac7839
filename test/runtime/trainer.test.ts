import { expect, test } from "vitest";
import {
  type Checkpoint,
  createSession,
  type Device,
  type EpochEvent,
  evaluate,
  KilnError,
  type PictureSource,
  type Session,
  type StepEvent,
  type TrainingOptions,
  train,
  trainingPlan,
} from "../../runtime/index.ts";
import { shuffled } from "../../runtime/program/random.ts";
import { onEveryDevice, tinyFor } from "./devices.ts";
import { batch } from "./tinyArtifact.ts";
import { tinyPictures } from "./tinyPictures.ts";

const data = { train: tinyPictures(22), test: tinyPictures(10, 2, 8) }; // 5 steps an epoch, 2 pictures dropped
const settings = { ...data, learningRate: 0.05, momentum: 0.9, weightDecay: 0.001, seed: 3 };

const newSession = (device: Device): Promise<Session> =>
  createSession(device, tinyFor(device), { entries: ["step", "forward"], seed: 3, pictures: { height: 2, width: 2 } });

interface Record {
  steps: StepEvent[];
  epochs: EpochEvent[];
  checkpoints: Checkpoint[];
}

async function record(device: Device, options: Partial<TrainingOptions>) {
  const log: Record = { steps: [], epochs: [], checkpoints: [] };
  const session = await newSession(device);
  const progress = await train(session, {
    ...settings,
    ...options,
    onStep: (event) => log.steps.push(event),
    onEpoch: (event) => log.epochs.push(event),
    onCheckpoint: (checkpoint) => void log.checkpoints.push(checkpoint),
  });
  return { ...log, progress, session, state: await session.readStates() };
}
const withoutRate = (events: StepEvent[]) => events.map(({ imagesPerSecond, ...event }) => event);

test("how many steps a training takes", () => {
  expect(trainingPlan(22, 4)).toEqual({ stepsPerEpoch: 5, steps: 5 });
  expect(trainingPlan(22, 4, 3)).toEqual({ stepsPerEpoch: 5, steps: 15 });
  expect(trainingPlan(22, 4, undefined, 12)).toEqual({ stepsPerEpoch: 5, steps: 12 });
  expect(trainingPlan(22, 4, 2, 12)).toEqual({ stepsPerEpoch: 5, steps: 10 });
  expect(() => trainingPlan(3, 4)).toThrow("3 pictures do not fill a batch of 4: use a smaller batch");
});

onEveryDevice((open) => {
  test("learns, and reports steps and epochs", async () => {
    const { steps, epochs, progress } = await record(await open(), { epochs: 8 });
    expect(steps.map((event) => event.step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(steps.map((event) => event.epoch)).toEqual(Array.from({ length: 40 }, (_, i) => Math.floor(i / 5)));
    let moving = steps[0].loss;
    for (const { loss, movingLoss, imagesPerSecond } of steps.slice(1)) {
      moving = 0.99 * moving + 0.01 * loss;
      expect(movingLoss).toBe(moving);
      expect(imagesPerSecond).toBeGreaterThan(0);
    }
    expect(epochs.map((event) => event.epoch)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(epochs[7]).toMatchObject({ event: "epoch", movingLoss: moving, trainAccuracy: 1, testAccuracy: 1 });
    expect(progress).toEqual({ seed: 3, step: 40, epoch: 8, movingLoss: moving, evaluatedStep: 40 });
  });

  test("a pause between any two steps changes no bit, and sees every step before it done", async () => {
    const device = await open();
    const plain = await record(device, { epochs: 2 });
    const taken: number[] = [];
    const batches: string[] = [];
    let known = 0;
    const session = await newSession(device);
    const seen: StepEvent[] = [];
    await train(session, {
      ...settings,
      epochs: 2,
      onStep: (event) => {
        seen.push(event);
        known = event.step;
      },
      onEvaluatedBatch: (part, { indices, labels, logits }) => {
        batches.push(`${part} ${indices.join()}`);
        expect([labels.length, logits.length]).toEqual([indices.length, indices.length * 3]);
      },
      pause: {
        isDue: () => true,
        take: async (step) => {
          taken.push(step);
          expect(known).toBe(step);
          expect((await evaluate(session, data.test)).count).toBe(10);
          await session.readStates();
        },
      },
    });
    expect(taken).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(batches.filter((b) => b.startsWith("test"))).toEqual(
      Array.from({ length: 2 }, () => ["test 0,1,2,3", "test 4,5,6,7", "test 8,9"]).flat(),
    );
    expect(withoutRate(seen)).toEqual(withoutRate(plain.steps));
    expect(await session.readStates()).toEqual(plain.state);
  });

  test("feeds each epoch's pictures in its own shuffled order, without the partial batch", async () => {
    const seen: number[] = [];
    const { read } = data.train;
    const train: PictureSource = {
      ...data.train,
      read: (indices, into, labels) => {
        seen.push(...Array.from(indices));
        return read(indices, into, labels);
      },
    };
    await record(await open(), { train, epochs: 2, evaluationLimit: 1 });
    // Behind each epoch comes its evaluation, of one picture padded to a batch.
    const expected = [0, 1].map((epoch) => [...shuffled(22, 3, epoch).slice(0, 20)]);
    expect(seen.slice(0, 20)).toEqual(expected[0]);
    expect(seen.filter((_, i) => i > 20).join()).toContain(expected[1].slice(4).join());
  });

  test("goes on from any checkpoint to the same bits and the same log", async () => {
    const device = await open();
    const whole = await record(device, { steps: 13, checkpointEvery: 3 });
    expect(whole.epochs.map((event) => event.epoch)).toEqual([0, 1, 2]);
    expect(whole.checkpoints.map((c) => [c.progress.step, c.progress.evaluatedStep])).toEqual([
      [3, 0],
      [5, 5],
      [6, 5],
      [9, 5],
      [10, 10],
      [12, 10],
      [13, 13],
    ]);
    for (const from of whole.checkpoints) {
      const resumed = await record(device, { steps: 13, from });
      expect(resumed.state).toEqual(whole.state);
      expect(resumed.progress).toEqual(whole.progress);
      expect(withoutRate(resumed.steps)).toEqual(withoutRate(whole.steps.slice(from.progress.step)));
      expect(resumed.epochs).toEqual(
        whole.epochs
          .filter((e) => (e.epoch + 1) * 5 > from.progress.evaluatedStep)
          .slice(from.progress.step === 13 ? 1 : 0),
      );
    }
  });

  test("evaluates first where it resumes between an epoch's last step and its evaluation", async () => {
    const device = await open();
    const whole = await record(device, { epochs: 2, checkpointEvery: 5 });
    const from = whole.checkpoints[0];
    expect(from.progress).toMatchObject({ step: 5, evaluatedStep: 0 });
    const resumed = await record(device, { epochs: 2, from });
    expect(resumed.epochs).toEqual(whole.epochs);
    expect(resumed.state).toEqual(whole.state);
  });

  test("does not go on from another seed, or from beyond the end", async () => {
    const device = await open();
    const { checkpoints } = await record(device, { steps: 4 });
    const from = checkpoints[0];
    await expect(record(device, { steps: 8, from, seed: 4 })).rejects.toThrow("the checkpoint's seed is 3, not 4");
    await expect(record(device, { steps: 2, from })).rejects.toThrow("has 4 steps behind it already; 2 were asked for");
  });

  test("a loss that is not finite stops it at its step, and no checkpoint holds it", async () => {
    const log: StepEvent[] = [];
    const checkpoints: Checkpoint[] = [];
    const session = await newSession(await open());
    const error: KilnError = await train(session, {
      ...settings,
      steps: 12,
      checkpointEvery: 2,
      onStep: (event) => log.push(event),
      onCheckpoint: async (checkpoint) => {
        checkpoints.push(checkpoint);
        // Behind the checkpoint of step 4 the weights go bad: step 5 shows it.
        if (checkpoint.progress.step === 4)
          await session.writeState("dense_1.weight", new Float32Array(36).fill(Number.NaN));
      },
    }).catch((e) => e);
    expect(error).toBeInstanceOf(KilnError);
    expect(error.kind).toBe("diverged");
    expect(error.message).toMatch(
      /^the loss is NaN at step 5 \(epoch 0\)\. Training stops; a checkpoint written before/,
    );
    expect(log.map((event) => event.step)).toEqual([1, 2, 3, 4]);
    expect(checkpoints.map((c) => c.progress.step)).toEqual([2, 4]);
    for (const { state } of checkpoints)
      for (const values of state.values()) expect(values.every(Number.isFinite)).toBe(true);
  });

  test("an update that leaves the numbers stops it before a checkpoint is written", async () => {
    const checkpoints: Checkpoint[] = [];
    const session = await newSession(await open());
    const error = await train(session, {
      ...settings,
      learningRate: 3e38,
      weightDecay: 3e38,
      steps: 1,
      checkpointEvery: 1,
      onCheckpoint: (checkpoint) => void checkpoints.push(checkpoint),
    }).catch((e) => e);
    expect(error.message).toMatch(/^dense_1\.weight holds values that are not finite after step 1\./);
    expect(checkpoints).toEqual([]);
  });

  test("evaluation covers every picture and counts no padding", async () => {
    const session = await newSession(await open());
    const all = await evaluate(session, data.test);
    expect(all.count).toBe(10);
    // One picture at a time gives the same mean.
    let [accuracy, loss] = [0, 0];
    for (let i = 0; i < 10; i++) {
      const one = {
        ...data.test,
        count: 1,
        read: (_: unknown, into: Uint8Array, labels: Int32Array) =>
          data.test.read(new Array(batch).fill(i), into, labels),
      };
      const result = await evaluate(session, one);
      expect(result.count).toBe(1);
      accuracy += result.accuracy / 10;
      loss += result.loss / 10;
    }
    expect(all.accuracy).toBeCloseTo(accuracy, 12);
    expect(all.loss).toBeCloseTo(loss, 6);
    const progress: number[] = [];
    const limited = await evaluate(session, data.test, { limit: 6, onProgress: (done) => progress.push(done) });
    expect(limited.count).toBe(6);
    expect(progress).toEqual([4, 6]);
  });

  test("refuses pictures that do not fit, and ends where it is told to", async () => {
    const device = await open();
    const other = (change: Partial<PictureSource>) => record(device, { train: { ...data.train, ...change } });
    await expect(other({ classes: 5 })).rejects.toThrow("the training pictures have 5 classes, tiny has 3");
    await expect(other({ channels: 1 })).rejects.toThrow("the training pictures have 1 channels, tiny takes 3");
    await expect(other({ count: 0 })).rejects.toThrow("the training pictures: there are none");
    await expect(other({ read: (_, into, labels) => void labels.fill(into.length) })).rejects.toThrow(
      "label 0 of the batch is 48; 0 to 2 expected",
    );
    await expect(
      other({ read: () => Promise.reject(new KilnError("data", "cat.jpg: cannot be decoded")) }),
    ).rejects.toThrow("cat.jpg: cannot be decoded");

    const abort = new AbortController();
    const session = await newSession(device);
    let steps = 0;
    const running = train(session, {
      ...settings,
      epochs: 100,
      signal: abort.signal,
      onStep: () => {
        if (++steps === 7) abort.abort(new Error("enough"));
      },
    });
    await expect(running).rejects.toThrow("enough");
    expect(steps).toBeLessThan(10);
  });
});
