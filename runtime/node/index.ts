/** kiln/node: adapters, files, checkpoints and data sets for the runtime in Node. */
export {
  chooseAdapter,
  classOf,
  type FoundAdapter,
  listAdapters,
} from "./adapters.ts";
export { isArtifact, readArtifact, writeArtifact } from "./artifacts.ts";
export {
  type CheckpointIdentity,
  listCheckpoints,
  prepareCheckpoints,
  readCheckpoint,
  readNewestCheckpoint,
  readWeights,
  writeCheckpoint,
} from "./checkpoints.ts";
export * from "./data/index.ts";
export { describeChoice, type OpenDeviceOptions, type OpenedDevice, openDevice } from "./device.ts";
export { type DoctorAdapter, type DoctorReport, diagnose } from "./doctor.ts";
export { fileError, writeFileAtomically } from "./files.ts";
export { addSwiftShader } from "./swiftshader.ts";
