/** What the page runs without WebGPU; bundled for the browser. */
import { loadArtifact, requestDevice } from "../../runtime/wasm/index.ts";
import { lossesOf } from "./lossesOf.ts";

window.train = async (steps, size) => {
  const artifact = await loadArtifact("artifact/");
  const device = requestDevice({ threads: 2 });
  const losses = await lossesOf(device, artifact, steps, size);
  device.destroy();
  return { losses, adapter: device.name, uncaught: [] };
};
