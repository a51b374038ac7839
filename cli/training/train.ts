/** Trains a model from the command line: adapter, data, compiler, session, progress, log, checkpoints. */
import { readWeights } from "../../runtime/node/checkpoints.ts";
import type { DataSet } from "../../runtime/node/data/index.ts";
import type { OpenedDevice } from "../../runtime/node/device.ts";
import { KilnError } from "../../runtime/program/error.ts";
import type { Artifact } from "../../runtime/program/schema.ts";
import { createSession } from "../../runtime/session.ts";
import { type EpochEvent, type StepEvent, trainingPlan, train as trainSession } from "../../runtime/trainer.ts";
import { Dashboard } from "../dashboard/dashboard.ts";
import { factsOf } from "../dashboard/facts.ts";
import { openDataFor } from "../data.ts";
import { compileFor, openAdapter } from "../device.ts";
import { Interrupted } from "../errors.ts";
import { Interruption } from "../interruption.ts";
import { type OpenedModel, openModel } from "../model.ts";
import type { DeviceOptions, ModelOptions } from "../options.ts";
import { formatSeconds, say } from "../output.ts";
import { Progress } from "../progress.ts";
import { type KeptRun, keepRun, type RunRecord, readKeptRun, requireFresh } from "./checkpoints.ts";
import { TrainingLog } from "./log.ts";
import { parseLog } from "./readLog.ts";
import { StartClock } from "./startup.ts";

/** Of `kiln train`; undefined where the command line is silent. */
export interface TrainRequest extends ModelOptions, DeviceOptions {
  readonly data?: string;
  readonly epochs?: number;
  readonly steps?: number;
  readonly lr?: number;
  readonly momentum?: number;
  readonly weightDecay?: number;
  readonly seed?: number;
  readonly weights?: string;
  readonly checkpoint?: string;
  readonly checkpointEvery?: number;
  readonly resume?: boolean;
  readonly log?: string;
  readonly evalLimit?: number;
  /** Serve a page of the training on this port; true: the usual one, or the next that is free. */
  readonly dashboard?: number | true;
  /** Logs of earlier runs that the page shows too. */
  readonly compare?: readonly string[];
}

/** What a run saw. */
export interface TrainOutcome {
  /** Losses of the steps of this run, in order. */
  readonly losses: readonly number[];
  /** The run was over before it began. */
  readonly finished: boolean;
}

/** Trains as asked, on `device` where one is open already. */
export async function train(path: string, request: TrainRequest, device?: OpenedDevice): Promise<TrainOutcome> {
  const kept = request.checkpoint === undefined ? null : await findRun(request.checkpoint, request.resume === true);
  const model = await openTrainingModel(path, request, kept);
  const record = settle(request, kept);
  if (request.dashboard === undefined)
    return trainModel(path, request, { kept, model, record, device, dashboard: null });
  const dashboard = await Dashboard.open(model.name, request.dashboard, request.compare ?? []);
  try {
    const outcome = await trainModel(path, request, { kept, model, record, device, dashboard });
    await dashboard.end(outcome.finished ? "This run was finished before." : "Training has ended.");
    return outcome;
  } catch (error) {
    await dashboard.end(
      error instanceof Interrupted ? "Training was stopped." : `Training has failed: ${(error as Error).message}`,
    );
    throw error;
  }
}

/** What is known before there are pictures. */
interface Opened {
  readonly kept: KeptRun | null;
  readonly model: OpenedModel;
  readonly record: RunRecord;
  readonly device: OpenedDevice | undefined;
  readonly dashboard: Dashboard | null;
}

async function trainModel(path: string, request: TrainRequest, before: Opened): Promise<TrainOutcome> {
  const { kept, model, record, dashboard } = before;
  const opened = before.device ?? (await openAdapter(request, kept ? { stored: kept.artifact } : model));
  const data = await openDataFor(model, record.data, record.seed);
  const clock = new StartClock();
  const artifact = kept?.artifact ?? (await clock.compile(() => compileToTrain(model, opened, request, record, data)));
  requireVelocity(record, artifact);
  checkSameData(record, data, artifact);

  const { newest = null } = kept ?? {};
  const plan = trainingPlan(data.train.count, model.batch, record.epochs, record.steps);
  if (newest && isFinished(newest.checkpoint.progress, plan.steps)) {
    say(
      `This run is finished: ${newest.checkpoint.progress.step} steps are done, ${newest.path} is the last checkpoint.`,
    );
    return { losses: [], finished: true };
  }
  if (newest) sayResumed(newest, request);

  const interruption = new Interruption("step");
  const progress = new TrainingProgress();
  const losses: number[] = [];
  let saved: string | null = newest?.path ?? null;
  try {
    const weights = request.weights !== undefined && !newest ? await readWeights(request.weights) : undefined;
    const session = await clock.session(() =>
      createSession(opened.device, artifact, {
        entries: ["step", "forward"],
        seed: record.seed,
        weights,
        pictures: {
          height: Math.max(data.train.height, data.test.height),
          width: Math.max(data.train.width, data.test.width),
        },
      }),
    );
    const written = { ...record, dataDescription: data.description };
    const save =
      request.checkpoint === undefined ? null : await keepRun(request.checkpoint, artifact, written, kept === null);
    const log =
      request.log === undefined ? null : await TrainingLog.open(request.log, newest?.checkpoint.progress ?? null);
    dashboard?.describe({
      facts: factsOf(record, model, opened, data),
      plan: { ...plan, batch: model.batch },
      classNames: [...data.classNames],
      before: log && parseLog(log.kept, log.path),
      doneSteps: newest?.checkpoint.progress.step ?? 0,
    });
    await dashboard?.watch(session, data, record.evalLimit);
    await trainSession(session, {
      train: data.train,
      test: data.test,
      learningRate: record.lr,
      momentum: record.momentum,
      weightDecay: record.weightDecay,
      seed: record.seed,
      epochs: record.epochs,
      steps: record.steps,
      evaluationLimit: record.evalLimit,
      from: newest?.checkpoint,
      checkpointEvery: request.checkpointEvery ?? 100,
      ...(save && {
        onCheckpoint: async (checkpoint) => {
          saved = await save(checkpoint);
        },
      }),
      signal: interruption.signal,
      onStart: (plan, from) => progress.start(plan.steps, from.step),
      onStep: (event) => {
        const start = clock.step();
        if (start) log?.write(start);
        log?.write(event);
        losses.push(event.loss);
        progress.step(event);
        dashboard?.step(event);
      },
      onEvaluate: (part, done, total) => {
        progress.evaluate(part, done, total);
        dashboard?.evaluating(part, done, total);
      },
      onEvaluatedBatch: (part, batch) => dashboard?.evaluated(part, batch),
      pause: dashboard?.pause,
      onEpoch: (event) => {
        log?.write(event);
        dashboard?.epoch(event);
        say(formatEpoch(event));
        progress.back();
      },
    });
    return { losses, finished: false };
  } catch (error) {
    progress.end();
    const isStop = error instanceof Interrupted;
    if (isStop) say(progress.lastStep > 0 ? `Stopped at step ${progress.lastStep}.` : "Stopped.");
    if (isStop || error instanceof KilnError) sayHowToGoOn(path, request, saved, isStop);
    throw error;
  } finally {
    progress.end();
    interruption.end();
  }
}

/** `Epoch 0. Loss: 2.1, Train_acc 0.25, Test_acc 0.24`, as the tutorial prints it. */
export const formatEpoch = ({ epoch, movingLoss, trainAccuracy, testAccuracy }: EpochEvent): string =>
  `Epoch ${epoch}. Loss: ${movingLoss.toFixed(4)}, Train_acc ${trainAccuracy.toFixed(4)}, Test_acc ${testAccuracy.toFixed(4)}`;

// ---------------------------------------------------------------- before the first step

async function findRun(folder: string, resume: boolean): Promise<KeptRun | null> {
  if (!resume) {
    await requireFresh(folder);
    return null;
  }
  const kept = await readKeptRun(folder);
  if (!kept) say(`Nothing to resume in ${folder}: starting fresh.`);
  return kept;
}

/** The model to train: with the options of a kept run where the command line is silent, and the same model as there. */
async function openTrainingModel(path: string, request: TrainRequest, kept: KeptRun | null): Promise<OpenedModel> {
  const program = kept?.artifact.program;
  const settings = program && Object.fromEntries(Object.entries(program.model.settings).map(([k, v]) => [k, `${v}`]));
  const model = await openModel(path, {
    set: request.set ?? settings,
    batch: request.batch ?? program?.model.batch,
    mode: request.mode,
    target: request.target,
    algorithm: request.algorithm ?? program?.model.algorithm,
    memoryLimit: request.memoryLimit ?? program?.model.memoryLimit,
  });
  if (model.mode !== "train")
    throw new KilnError("usage", `${model.name} is in infer mode; training needs --mode train`);
  if (program && model.hash !== program.model.hash)
    throw new KilnError(
      "usage",
      `${request.checkpoint} holds a run of another model: of ${program.model.name} (batch ${program.model.batch}), as ` +
        `its layers and settings were then; ${path} is not the same. Name another folder, or train the model as it was.`,
    );
  return model;
}

/** The run's numbers: the command line's, else the kept run's, else the usual ones. */
function settle(request: TrainRequest, kept: KeptRun | null): RunRecord {
  const before = kept?.record ?? null;
  const length = request.epochs === undefined && request.steps === undefined ? before : request;
  const now: RunRecord = {
    data: request.data ?? before?.data ?? "auto",
    dataDescription: before?.dataDescription ?? "",
    seed: request.seed ?? before?.seed ?? kept?.newest?.checkpoint.progress.seed ?? 1,
    lr: request.lr ?? before?.lr ?? 0.001,
    momentum: request.momentum ?? before?.momentum ?? 0,
    weightDecay: request.weightDecay ?? before?.weightDecay ?? 0,
    epochs: length?.epochs,
    steps: length?.steps,
    evalLimit: request.evalLimit ?? before?.evalLimit,
  };
  if (before)
    for (const name of ["lr", "momentum", "weightDecay"] as const)
      if (before[name] !== now[name])
        say(`Note: ${name} was ${before[name]} so far, and is ${now[name]} from here on.`);
  return now;
}

/** Compiles the step and what evaluates it; the classes' names go along, for predictions. */
async function compileToTrain(
  model: OpenedModel,
  opened: OpenedDevice,
  request: TrainRequest,
  record: RunRecord,
  data: DataSet,
): Promise<Artifact> {
  const artifact = await compileFor(model, opened, request, {
    entries: ["step", "forward"],
    velocity: record.momentum > 0,
  });
  const { program } = artifact;
  return { ...artifact, program: { ...program, input: { ...program.input, classNames: [...data.classNames] } } };
}

function requireVelocity({ momentum }: RunRecord, { program }: Artifact): void {
  if (momentum > 0 && program.model.optimizer?.velocity === false)
    throw new KilnError(
      "usage",
      `--momentum ${momentum}, but this ${program.model.name} was compiled without velocities; compile it with --momentum`,
    );
}

/** A run goes on with the data it began with. */
function checkSameData({ dataDescription: before }: RunRecord, data: DataSet, { program }: Artifact): void {
  const names = program.input.classNames;
  if (names && names.join("\n") !== data.classNames.join("\n"))
    throw new KilnError(
      "data",
      `${data.name} has other classes (${data.classNames.join(", ")}) than the run began with (${names.join(", ")})`,
    );
  if (before !== "" && before !== data.description)
    say(`Note: the run began with other data: ${before}. It goes on, but not to the bits of an unbroken run.`);
}

const isFinished = ({ step, evaluatedStep }: { step: number; evaluatedStep: number }, steps: number): boolean =>
  step > steps || (step === steps && evaluatedStep === step);

function sayResumed({ path, checkpoint, skipped }: NonNullable<KeptRun["newest"]>, request: TrainRequest): void {
  for (const problem of skipped) say(`Passed over: ${problem}`);
  say(`Resuming after step ${checkpoint.progress.step}, from ${path}`);
  if (request.weights !== undefined) say("--weights is left aside: the checkpoint has the weights.");
}

/** After a run that did not reach its end. */
function sayHowToGoOn(path: string, { checkpoint }: TrainRequest, saved: string | null, isStop: boolean): void {
  if (saved !== null && checkpoint !== undefined)
    say(`The last checkpoint is ${saved}. To go on from it: kiln train ${path} --checkpoint ${checkpoint} --resume`);
  else if (isStop && checkpoint === undefined)
    say("Nothing was kept; with --checkpoint DIR a run can be gone on with.");
  else if (isStop) say("No checkpoint had been written yet.");
}

// ---------------------------------------------------------------- while it runs

/** The bar: loss, moving loss, pictures a second, time left. */
class TrainingProgress {
  readonly #progress = new Progress();
  #steps = 0;
  #ended = false;
  #part = "";
  #first: { readonly step: number; readonly time: number } | null = null;
  lastStep = 0;

  start(steps: number, done: number): void {
    this.#steps = steps;
    this.lastStep = done;
    this.#progress.begin("step", steps, done);
    this.#progress.update(done, "(the driver compiles the kernels)");
  }

  step({ step, loss, movingLoss, imagesPerSecond }: StepEvent): void {
    this.lastStep = step;
    const now = performance.now() / 1000;
    // Counted from the end of the first step, in which the driver compiled.
    this.#first ??= { step, time: now };
    const left = ((now - this.#first.time) / (step - this.#first.step)) * (this.#steps - step);
    this.#progress.update(
      step,
      `loss ${loss.toFixed(4)}, moving ${movingLoss.toFixed(4)}, ${formatRate(imagesPerSecond)} images/s` +
        (Number.isFinite(left) ? `, ${formatSeconds(left)} left` : ""),
    );
  }

  evaluate(part: "train" | "test", done: number, total: number): void {
    if (this.#part !== part) this.#progress.begin(`evaluating ${part} pictures`, total, done);
    this.#part = part;
    this.#progress.update(done, "");
  }

  /** Evaluation is over; training may go on. */
  back(): void {
    this.#part = "";
    this.#progress.begin("step", this.#steps, this.lastStep);
  }

  end(): void {
    if (!this.#ended) this.#progress.end();
    this.#ended = true;
  }
}

const formatRate = (rate: number): string => (rate < 100 ? rate.toFixed(1) : rate.toFixed(0));
