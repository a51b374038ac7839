/** What the page runs; bundled for the browser. */
import { loadArtifact, requestDevice } from "../../runtime/index.ts";
import { lossesOf } from "./lossesOf.ts";

declare global {
  interface Window {
    train(steps: number, size: number): Promise<{ losses: number[]; adapter: string; uncaught: string[] }>;
  }
}

window.train = async (steps, size) => {
  const artifact = await loadArtifact("artifact/");
  const device = await requestDevice(artifact.program.target);
  const uncaught: string[] = [];
  device.gpu.addEventListener("uncapturederror", (event) => uncaught.push(event.error.message));
  const losses = await lossesOf(device, artifact, steps, size);
  const { vendor, architecture } = device.gpu.adapterInfo;
  return { losses, adapter: `${vendor} ${architecture}`, uncaught };
};
