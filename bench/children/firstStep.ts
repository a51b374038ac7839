/** From the start of a process to the end of its first training step: `firstStep.js MODEL BATCH ADAPTER ALGORITHM`. */
import { writeSync } from "node:fs";
import { benchPictures } from "../../cli/bench/measure.ts";
import { openDevice } from "../../runtime/node/device.ts";
import { createSession } from "../../runtime/session.ts";
import { compileModel, pictureSize } from "../suites/device.ts";

/** Milliseconds. */
export interface FirstStep {
  /** Node, and the modules that a training needs. */
  readonly start: number;
  readonly device: number;
  readonly compile: number;
  /** Memory, pipelines and initial state. */
  readonly session: number;
  readonly firstStep: number;
  /** A later one, the least of three: what the first takes beyond it is the driver's compiling. */
  readonly laterStep: number;
}

const [, , model, batch, adapter, algorithm] = process.argv;
const marks = [performance.now()];
const mark = () => marks.push(performance.now());
const { device, target } = await openDevice({ adapter });
mark();
const artifact = await compileModel(model, {
  target,
  batch: Number(batch),
  settings: {},
  algorithm: algorithm as "auto",
  entries: ["step"],
});
mark();
const session = await createSession(device, artifact, { entries: ["step"], pictures: pictureSize });
mark();
const pictures = benchPictures(session);
const labels = new Int32Array(session.batch);
session.setUniforms({ lr: 0 });
for (let step = 1; step <= 4; step++) {
  session.writePictures(pictures, pictureSize.height, pictureSize.width);
  session.writeLabels(labels);
  await (await session.submitStep({ step, pictures: true })).loss;
  mark();
}
const spans = marks.slice(1).map((time, i) => time - marks[i]);
const [opened, compiled, ready, first, ...later] = spans;
const found: FirstStep = {
  start: marks[0],
  device: opened,
  compile: compiled,
  session: ready,
  firstStep: first,
  laterStep: Math.min(...later),
};
writeSync(3, JSON.stringify(found));
session.destroy();
device.destroy();
