/** Trains, and watches the memory of its process: `steps.js MODEL BATCH ADAPTER STEPS`. */
import { writeSync } from "node:fs";
import { openData } from "../../runtime/node/data/index.ts";
import { openDevice } from "../../runtime/node/device.ts";
import { createSession } from "../../runtime/session.ts";
import { train } from "../../runtime/trainer.ts";
import { compileModel } from "../suites/device.ts";

export interface MemorySample {
  readonly step: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** Of typed arrays and what else lies outside the heap. */
  readonly externalBytes: number;
}

const [, , model, batchText, adapter, stepsText] = process.argv;
const [batch, steps] = [Number(batchText), Number(stepsText)];
const { device, target } = await openDevice({ adapter });
const artifact = await compileModel(model, {
  target,
  batch,
  settings: {},
  algorithm: "auto",
  entries: ["step", "forward"],
});
const { program } = artifact;
const [, channels, height, width] = program.input.shape;
const classes = program.model.classes!;
const data = await openData("synthetic", { channels, height, width, classes, seed: 1 });
const session = await createSession(device, artifact, { entries: ["step", "forward"], pictures: data.train });

/** So many samples, the last at the end. */
const samples: MemorySample[] = [];
const every = Math.max(1, Math.round(steps / 20));
await train(session, {
  train: data.train,
  test: data.test,
  learningRate: 0.001,
  steps,
  evaluationLimit: batch,
  onStep: ({ step }) => {
    if (step % every !== 0 && step !== steps) return;
    gc!(); // else the figures are of when the collector last came by
    const { rss, heapUsed, external } = process.memoryUsage();
    samples.push({ step, residentBytes: rss, heapBytes: heapUsed, externalBytes: external });
  },
});
writeSync(3, JSON.stringify(samples));
session.destroy();
device.destroy();
