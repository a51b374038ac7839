/** What the runtime offers whatever device it runs on. */
export { artifactHash, loadArtifact } from "./artifact.ts";
export type { Device, SessionMemory } from "./device.ts";
export { type EvaluatedBatch, type Evaluation, type EvaluationOptions, evaluate } from "./evaluate.ts";
export type { UniformName, UniformValues } from "./inputs.ts";
export { argmax, countCorrect, movingLoss, softmax, sumCrossEntropy } from "./metrics.ts";
export type { PictureSource } from "./pictures.ts";
export type { Profile } from "./profile.ts";
export { formatBytes, KilnError, type KilnErrorKind } from "./program/error.ts";
export { initialValues, xavierScale } from "./program/initialize.ts";
export { toLogical, toPhysical } from "./program/layout.ts";
export { parseProgram, parseProgramText } from "./program/parse.ts";
export { sample, shuffled, threefry2x32, uniform } from "./program/random.ts";
export {
  type DType,
  f32,
  formatSafetensors,
  parseSafetensors,
  type Safetensors,
  type StoredTensor,
  safetensorsParts,
  toFloat32,
  toInt32,
} from "./program/safetensors.ts";
export * from "./program/schema.ts";
export { createSession, type RunOptions, type Session, type SessionOptions, type SubmittedStep } from "./session.ts";
export {
  type Checkpoint,
  type EpochEvent,
  type Progress,
  type StepEvent,
  type TrainingOptions,
  type TrainingPause,
  type TrainingPlan,
  train,
  trainingPlan,
} from "./trainer.ts";
export { matchWeights, type Weights } from "./weights.ts";
