/**
 * kiln/runtime: runs an artifact on a WebGPU device, in Node or in a browser tab.
 *
 * ```ts
 * const artifact = await loadArtifact(new URL("./alexnet/", import.meta.url));
 * const device = await requestDevice(artifact.program.target); // in Node: openDevice() of "kiln/node"
 * const session = await createSession(device, artifact, { entries: ["step", "forward"], pictures: { height: 32, width: 32 } });
 * await train(session, { train: pictures, test: others, learningRate: 0.001, onEpoch: console.log });
 * ```
 */
export * from "./common.ts";
export { adapterName, requireTarget } from "./webgpu/device.ts";
export { requestDevice, WebGpuDevice } from "./webgpu/index.ts";
