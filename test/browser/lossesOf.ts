/** The same few training steps in Node and in a tab: this file goes into the page. */
import { type Artifact, createSession, type Device, uniform } from "../../runtime/index.ts";

/** Losses of the first `steps` steps on pictures drawn by number, the same wherever this runs. */
export async function lossesOf(device: Device, artifact: Artifact, steps: number, size: number): Promise<number[]> {
  const { program } = artifact;
  const [batch, channels] = program.input.shape;
  const session = await createSession(device, artifact, {
    entries: ["step"],
    seed: 1,
    pictures: { height: size, width: size },
  });
  session.setUniforms({ lr: 0.05 });
  const bytes = new Uint8Array(batch * size * size * channels);
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(uniform(11, step, i, 0) * 256);
    session.writePictures(bytes, size, size);
    session.writeLabels(Array.from({ length: batch }, (_, n) => (n + step) % program.model.classes!));
    const { loss } = await session.submitStep({ step, pictures: true });
    losses.push(await loss);
  }
  session.destroy();
  return losses;
}
