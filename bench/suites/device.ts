/** Sessions for suites that measure in this process. */
import { readFileSync } from "node:fs";
import { benchPictures, pictureSize } from "../../cli/bench/measure.ts";
import { assemble, compile, formatDiagnostics } from "../../compiler/index.ts";
import type { Artifact, EntryName, Target } from "../../runtime/program/schema.ts";
import type { Session } from "../../runtime/session.ts";
import { type Spread, spread } from "../statistics.ts";
import type { BenchOptions } from "../suite.ts";

export interface CompileRequest {
  readonly target: Target;
  readonly batch: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly algorithm: BenchOptions["algorithm"];
  readonly entries?: readonly EntryName[];
}

/** Compiles a model file; throws an Error with its mistakes, or PlanError where the target cannot hold it. */
export async function compileModel(model: string, request: CompileRequest): Promise<Artifact> {
  const { artifact, diagnostics } = compile({ path: model, read: (path) => readFileSync(path, "utf8") }, request);
  if (!artifact) throw new Error(formatDiagnostics(diagnostics));
  return assemble(artifact);
}

/** Milliseconds of training steps, from handing over a batch of pictures to having read the loss; the learning rate is 0. */
export async function timeSteps(session: Session, repeats: number): Promise<Spread> {
  const pictures = benchPictures(session);
  const { classes } = session.program.model;
  if (classes === null) throw new Error(`${session.program.model.name} has no classes: it cannot train on labels`);
  const labels = Int32Array.from({ length: session.batch }, (_, i) => i % classes);
  session.setUniforms({ lr: 0 });
  const times: number[] = [];
  // Two first: the driver compiles, then the session learns how long a step takes.
  for (let step = 1; step <= repeats + 2; step++) {
    const start = performance.now();
    session.writePictures(pictures, pictureSize.height, pictureSize.width);
    session.writeLabels(labels);
    await (await session.submitStep({ step, pictures: true })).loss;
    if (step > 2) times.push(performance.now() - start);
  }
  return spread(times);
}

export { pictureSize };
