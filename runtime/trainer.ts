import { type EvaluatedBatch, type EvaluationOptions, evaluate } from "./evaluate.ts";
import { movingLoss } from "./metrics.ts";
import { PictureBatch, type PictureSource, requireSource } from "./pictures.ts";
import { KilnError } from "./program/error.ts";
import { shuffled } from "./program/random.ts";
import type { Session } from "./session.ts";

/** How far a training has come. With the state this is all that the next step depends on: random numbers are counted,
 * not carried (see program/random.ts), so `seed` and `step` are the generator's state. */
export interface Progress {
  readonly seed: number;
  /** Steps done. */
  readonly step: number;
  /** Epoch of the next step. */
  readonly epoch: number;
  readonly movingLoss: number | null;
  /** The step after which an epoch event was last given: evaluation for it is done. */
  readonly evaluatedStep: number;
}

export interface Checkpoint {
  readonly progress: Progress;
  /** Every state tensor by name, row-major. */
  readonly state: ReadonlyMap<string, Float32Array>;
}

/** A line of the log, once the step's loss is known. */
export interface StepEvent {
  readonly event: "step";
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  readonly movingLoss: number;
  readonly imagesPerSecond: number;
}

/** A line of the log, at the end of an epoch and of the training. */
export interface EpochEvent {
  readonly event: "epoch";
  readonly epoch: number;
  readonly movingLoss: number;
  readonly trainAccuracy: number;
  readonly testAccuracy: number;
}

export interface TrainingOptions {
  readonly train: PictureSource;
  readonly test: PictureSource;
  readonly learningRate: number;
  readonly momentum?: number;
  readonly weightDecay?: number;
  /** Of the order of pictures and of dropout; give the session the same. 1 where not given. */
  readonly seed?: number;
  /** 1 where neither `epochs` nor `steps` is given; without a bound where `steps` alone is. */
  readonly epochs?: number;
  /** Total number of steps, counted from the beginning also when resuming. */
  readonly steps?: number;
  /** Evaluate a sample of so many training and test pictures; all where not given. */
  readonly evaluationLimit?: number;
  /** Go on from here. */
  readonly from?: Checkpoint;
  /** Called every `checkpointEvery` steps, after each epoch and at the end, all losses so far seen to be finite. */
  readonly onCheckpoint?: (checkpoint: Checkpoint) => void | Promise<void>;
  readonly checkpointEvery?: number;
  readonly onStart?: (plan: TrainingPlan, progress: Progress) => void;
  readonly onStep?: (event: StepEvent) => void;
  readonly onEpoch?: (event: EpochEvent) => void;
  /** Pictures evaluated so far. */
  readonly onEvaluate?: (part: "train" | "test", done: number, total: number) => void;
  /** Each evaluated batch, with the outputs for it. */
  readonly onEvaluatedBatch?: (part: "train" | "test", batch: EvaluatedBatch) => void;
  /** Looks at the session between two steps. */
  readonly pause?: TrainingPause;
  /** Ends the training between two steps: what is under way ends and is saved, then `train` rejects with the signal's
   * reason. */
  readonly signal?: AbortSignal;
}

/** A pause between two steps, for whoever wants to look at the session: read its state, run `forward`. Training goes on to
 * the same bits as without, as long as the state and the uniforms are left as they are. */
export interface TrainingPause {
  /** Asked after each step; where it says so, no step is under way when `take` is called. */
  isDue(): boolean;
  /** Training waits for it. `step` counts the steps done. */
  take(step: number): Promise<void>;
}

export interface TrainingPlan {
  readonly stepsPerEpoch: number;
  readonly steps: number;
}

/** How many steps a training takes. Throws KilnError where the pictures do not fill one batch. */
export function trainingPlan(pictures: number, batch: number, epochs?: number, steps?: number): TrainingPlan {
  const stepsPerEpoch = Math.floor(pictures / batch);
  if (stepsPerEpoch === 0)
    throw new KilnError("data", `${pictures} pictures do not fill a batch of ${batch}: use a smaller batch`);
  const most = epochs === undefined && steps !== undefined ? Number.POSITIVE_INFINITY : (epochs ?? 1) * stepsPerEpoch;
  return { stepsPerEpoch, steps: Math.min(steps ?? Number.POSITIVE_INFINITY, most) };
}

/**
 * Trains a session (made for `step` and `forward`, with pictures of the sources' size): shuffles each epoch, drops its
 * last partial batch, prepares a batch while the one before is on the device, and evaluates after each epoch. Ends where
 * `steps` or `epochs` is reached; a resumed training ends with the same bits as one that was never interrupted.
 *
 * Throws KilnError: "diverged" with the step where the loss or the state is not finite, "data" where pictures do not fit
 * the model, "device-lost", and whatever a callback throws.
 */
export async function train(session: Session, options: TrainingOptions): Promise<Progress> {
  const { program } = session;
  requireSource(program, options.train, "the training pictures");
  requireSource(program, options.test, "the test pictures");
  const plan = trainingPlan(options.train.count, session.batch, options.epochs, options.steps);
  const training = new Training(session, options, plan);
  return training.run();
}

class Training {
  #progress: Progress;
  /** Steps whose loss is still on its way. */
  readonly #pending: { step: number; epoch: number; loss: Promise<number> }[] = [];
  #order: { epoch: number; indices: Uint32Array } | null = null;
  #lastTime = 0;
  /** Of a step, steady enough to read, ms. */
  #stepTime = 0;
  #savedStep = -1;

  constructor(
    private readonly session: Session,
    private readonly options: TrainingOptions,
    private readonly plan: TrainingPlan,
  ) {
    const seed = options.seed ?? 1;
    this.#progress = options.from?.progress ?? { seed, step: 0, epoch: 0, movingLoss: null, evaluatedStep: 0 };
    if (this.#progress.seed !== seed)
      throw new KilnError("usage", `the checkpoint's seed is ${this.#progress.seed}, not ${seed}; resume with its own`);
    if (this.#progress.step > plan.steps)
      throw new KilnError(
        "usage",
        `the checkpoint has ${this.#progress.step} steps behind it already; ${plan.steps} were asked for`,
      );
  }

  async run(): Promise<Progress> {
    const { signal } = this.options;
    try {
      return await this.#run();
    } catch (error) {
      if (!signal?.aborted || error !== signal.reason) throw error;
      while (this.#pending.length > 0) await this.#settle();
      if (this.#progress.step > 0 && this.#progress.step !== this.#savedStep) await this.#save();
      throw error;
    }
  }

  async #run(): Promise<Progress> {
    const { session, options, plan } = this;
    if (options.from) {
      await session.writeStates(options.from.state);
      this.#savedStep = this.#progress.step;
    }
    const { learningRate: lr, momentum = 0, weightDecay = 0 } = options;
    session.setUniforms({ lr, momentum, weightDecay, seed: this.#progress.seed });
    options.onStart?.(plan, this.#progress);

    const batch = new PictureBatch(options.train, session.batch);
    this.#lastTime = performance.now();
    let step = this.#progress.step;
    await this.#finishEpoch(); // where the checkpoint was written between an epoch's last step and its evaluation
    let next = step < plan.steps ? this.#prepare(step + 1, batch) : null;
    while (next) {
      options.signal?.throwIfAborted();
      await next;
      step++;
      session.writePictures(batch.pictures, options.train.height, options.train.width);
      session.writeLabels(batch.labels);
      const { loss } = await session.submitStep({ step, pictures: true });
      this.#pending.push({ step, epoch: this.#epochOf(step), loss });
      next = step < plan.steps ? this.#prepare(step + 1, batch) : null;

      // One loss may stay on its way, so that the device always has a step to go on with.
      const boundary =
        step === plan.steps ||
        step % plan.stepsPerEpoch === 0 ||
        this.#checkpointDue(step) ||
        options.pause?.isDue() === true;
      while (this.#pending.length > (boundary ? 0 : 1)) await this.#settle();
      if (this.#checkpointDue(step)) await this.#save();
      await this.#finishEpoch();
      await this.#pause();
    }
    return this.#progress;
  }

  #epochOf(step: number): number {
    return Math.floor((step - 1) / this.plan.stepsPerEpoch);
  }

  #prepare(step: number, batch: PictureBatch): Promise<unknown> {
    const { train } = this.options;
    const epoch = this.#epochOf(step);
    if (this.#order?.epoch !== epoch)
      this.#order = { epoch, indices: shuffled(train.count, this.#progress.seed, epoch) };
    const at = ((step - 1) % this.plan.stepsPerEpoch) * batch.size;
    const reading = batch.read(this.#order.indices.subarray(at, at + batch.size));
    reading.catch(() => {}); // awaited in turn, maybe after the device has failed
    return reading;
  }

  /** Waits for the oldest loss under way, and lets the world know. */
  async #settle(): Promise<void> {
    const { step, epoch, loss: promise } = this.#pending.shift()!;
    const loss = await promise;
    if (!Number.isFinite(loss))
      throw new KilnError("diverged", `the loss is ${loss} at step ${step} (epoch ${epoch}). ${divergedAdvice}`);
    const now = performance.now();
    // Times are averaged rather than rates: two losses may arrive at once.
    const took = now - this.#lastTime;
    this.#stepTime = this.#stepTime === 0 ? took : 0.8 * this.#stepTime + 0.2 * took;
    this.#lastTime = now;
    const imagesPerSecond = (this.session.batch * 1000) / Math.max(this.#stepTime, 1e-3);
    const moving = movingLoss(this.#progress.movingLoss, loss);
    const next = Math.floor(step / this.plan.stepsPerEpoch);
    this.#progress = { ...this.#progress, step, epoch: next, movingLoss: moving };
    this.options.onStep?.({ event: "step", epoch, step, loss, movingLoss: moving, imagesPerSecond });
  }

  /** Evaluates and reports where an epoch, or the training, has just ended. */
  async #finishEpoch(): Promise<void> {
    const { session, options, plan } = this;
    const { step, evaluatedStep } = this.#progress;
    const ended = step > 0 && (step % plan.stepsPerEpoch === 0 || step === plan.steps);
    if (!ended || this.#pending.length > 0 || evaluatedStep === step) return;
    const accuracy = async (part: "train" | "test") => {
      const evaluation: EvaluationOptions = {
        limit: options.evaluationLimit,
        signal: options.signal,
        onProgress: (done, total) => options.onEvaluate?.(part, done, total),
        onBatch: options.onEvaluatedBatch && ((batch) => options.onEvaluatedBatch!(part, batch)),
      };
      return (await evaluate(session, options[part], evaluation)).accuracy;
    };
    const [trainAccuracy, testAccuracy] = [await accuracy("train"), await accuracy("test")];
    this.#progress = { ...this.#progress, evaluatedStep: step };
    options.onEpoch?.({
      event: "epoch",
      epoch: this.#epochOf(step),
      movingLoss: this.#progress.movingLoss!,
      trainAccuracy,
      testAccuracy,
    });
    await this.#save(); // once more where it was saved before: the evaluation is part of what is done
    this.#lastTime = performance.now();
  }

  /** Lets others look, where they ask for it and nothing is under way. */
  async #pause(): Promise<void> {
    const { pause } = this.options;
    if (!pause || this.#pending.length > 0 || !pause.isDue()) return;
    await pause.take(this.#progress.step);
    this.#lastTime = performance.now();
  }

  #checkpointDue(step: number): boolean {
    const { checkpointEvery, onCheckpoint } = this.options;
    return (
      onCheckpoint !== undefined &&
      checkpointEvery !== undefined &&
      step % checkpointEvery === 0 &&
      step !== this.#savedStep
    );
  }

  async #save(): Promise<void> {
    const { onCheckpoint } = this.options;
    if (!onCheckpoint) return;
    const state = await this.session.readStates();
    for (const [name, values] of state)
      if (!values.every(Number.isFinite))
        throw new KilnError(
          "diverged",
          `${name} holds values that are not finite after step ${this.#progress.step}. ${divergedAdvice}`,
        );
    await onCheckpoint({ progress: this.#progress, state });
    this.#savedStep = this.#progress.step;
    this.#lastTime = performance.now();
  }
}

const divergedAdvice =
  "Training stops; a checkpoint written before holds good values. Use a smaller learning rate, or look at the data.";
