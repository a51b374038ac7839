/** What the page of a training shows, as the command line sends it and the page holds it: JSON, and how news are added. */

/** Of each step of a run, columns of one length. */
export interface Curves {
  step: number[];
  loss: number[];
  movingLoss: number[];
  imagesPerSecond: number[];
}

/** An evaluation, after an epoch or at the end. */
export interface EpochPoint {
  /** Steps done by then. */
  step: number;
  epoch: number;
  trainAccuracy: number;
  testAccuracy: number;
}

export interface Run {
  /** Different for each run of a page. */
  name: string;
  curves: Curves;
  epochs: EpochPoint[];
}

/** Filters of the first convolution as pictures. */
export interface Filters {
  /** Of the parameter: "conv2d_1.weight". */
  name: string;
  /** Where these weights were: "after step 120", a file's name. */
  when: string;
  count: number;
  /** 1 grey, 3 colour. */
  channels: number;
  height: number;
  width: number;
  /** Bytes [count, height, width, channels] in base64, each filter from its least value, 0, to its greatest, 255. */
  bytes: string;
}

/** Test pictures whose predictions are shown, always the same. */
export interface WatchedPictures {
  /** data: URLs. */
  pictures: string[];
  labels: number[];
}

/** What the model makes of the watched pictures. */
export interface Predictions {
  step: number;
  /** The likeliest class of each, and its probability. */
  classes: number[];
  probabilities: number[];
}

/** How often pictures of one class were taken for another. */
export interface Confusion {
  step: number;
  /** How many test pictures were evaluated, and how many of them rightly. */
  pictures: number;
  correct: number;
  /** [true class, predicted class, pictures], those that occurred. */
  cells: [number, number, number][];
}

export type Phase = "starting" | "training" | "evaluating" | "ended";

/** How far a training under way has come. */
export interface Status {
  phase: Phase;
  /** What there is to say beyond that: how it ended. */
  text: string;
}

export interface Plan {
  steps: number;
  stepsPerEpoch: number;
  batch: number;
}

export interface TrainingState {
  title: string;
  /** What is trained, on what, with which numbers: lines. */
  facts: string[];
  /** The run that is being trained comes first. */
  runs: Run[];
  /** Lines that could not be read, and the like. */
  notes: string[];
  /** Names of classes; empty where they are not known. */
  classNames: string[];
  /** Null in a report. */
  status: Status | null;
  plan: Plan | null;
  filters: Filters | null;
  watched: WatchedPictures | null;
  predictions: Predictions | null;
  /** Of a few pictures, between two evaluations. */
  sample: Confusion | null;
  /** Of the last evaluation. */
  evaluation: Confusion | null;
}

/** What is new: steps and epochs of the first run come to those there are, all else takes the place of what was. */
export interface Update extends Partial<Omit<TrainingState, "runs">> {
  steps?: Curves;
  epochs?: EpochPoint[];
}

/** The data of a page: a state, or where to get it from. */
export type PageData = { readonly state: TrainingState } | { readonly events: string };

export const emptyCurves = (): Curves => ({ step: [], loss: [], movingLoss: [], imagesPerSecond: [] });

export const emptyState = (title: string): TrainingState => ({
  title,
  facts: [],
  runs: [],
  notes: [],
  classNames: [],
  status: null,
  plan: null,
  filters: null,
  watched: null,
  predictions: null,
  sample: null,
  evaluation: null,
});

/** Adds news to a state, in place. */
export function apply(state: TrainingState, { steps, epochs, ...others }: Update): void {
  const [run] = state.runs;
  if (steps) {
    const columns: (keyof Curves)[] = ["step", "loss", "movingLoss", "imagesPerSecond"];
    for (const column of columns) for (const value of steps[column]) run.curves[column].push(value);
  }
  if (epochs) run.epochs.push(...epochs);
  Object.assign(state, others);
}
