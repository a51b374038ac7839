/** Times of whole passes: a step as training has it, and the forward pass of the training network. */
import { threefry2x32 } from "../../runtime/program/random.ts";
import type { Session } from "../../runtime/session.ts";

/** Size of the pictures that come in, CIFAR-10's; the device resizes them. */
export const pictureSize = { height: 32, width: 32 };

export interface Times {
  readonly min: number;
  readonly median: number;
}

async function repeat(repeats: number, run: () => Promise<void>): Promise<Times> {
  await run(); // drivers compile at the first dispatch
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { min: times[0], median: times[Math.floor(times.length / 2)] };
}

/** Bytes of a batch, the same in every run. */
export function benchPictures(session: Session): Uint8Array {
  const [n, channels] = session.program.input.shape;
  const bytes = new Uint8Array(n * channels * pictureSize.height * pictureSize.width);
  for (let i = 0; i < bytes.length; i++) bytes[i] = threefry2x32(1, 2, i, 0)[0] & 255;
  return bytes;
}

/** Milliseconds from handing over a batch of pictures to having read its loss. The learning rate is 0. */
export async function measureSteps(session: Session, repeats: number): Promise<Times> {
  const pictures = benchPictures(session);
  const labels = Int32Array.from({ length: session.batch }, (_, i) => i % session.program.model.classes!);
  session.setUniforms({ lr: 0 });
  let step = 0;
  return repeat(repeats, async () => {
    session.writePictures(pictures, pictureSize.height, pictureSize.width);
    session.writeLabels(labels);
    const { loss } = await session.submitStep({ step: ++step, pictures: true });
    await loss;
  });
}

/** A run as this side sees it, in milliseconds: handing over its data, handing over its commands, waiting for the end. */
export interface HostSpans {
  readonly upload: number;
  readonly submit: number;
  readonly wait: number;
}

/** Of one step, after `measureSteps`. */
export async function measureHost(session: Session): Promise<HostSpans> {
  const pictures = benchPictures(session);
  const start = performance.now();
  session.writePictures(pictures, pictureSize.height, pictureSize.width);
  const uploaded = performance.now();
  const { loss } = await session.submitStep({ step: 1, pictures: true });
  const submitted = performance.now();
  await loss;
  return { upload: uploaded - start, submit: submitted - uploaded, wait: performance.now() - submitted };
}

/** Milliseconds of the entry point `forward` on pictures that are on the device already: resized, no dropout. */
export async function measureForward(session: Session, repeats: number): Promise<Times> {
  session.writePictures(benchPictures(session), pictureSize.height, pictureSize.width);
  return repeat(repeats, () => session.run("forward", { pictures: true }));
}
