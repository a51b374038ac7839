/** `kiln train --dashboard`: what a training tells goes to a page, and now and then the session is looked at. */
import {
  apply,
  type Curves,
  type EpochPoint,
  emptyCurves,
  emptyState,
  type PageData,
  type Phase,
  type TrainingState,
  type Update,
} from "../../pages/training/state.ts";
import { type EvaluatedBatch, evaluate } from "../../runtime/evaluate.ts";
import type { DataSet } from "../../runtime/node/data/index.ts";
import type { Session } from "../../runtime/session.ts";
import type { EpochEvent, StepEvent, TrainingPause } from "../../runtime/trainer.ts";
import { say } from "../output.ts";
import { htmlPage } from "../page.ts";
import { epochPoint, type ReadLog, takeStep } from "../training/readLog.ts";
import { readRuns } from "./compared.ts";
import { filterPictures, filtersForPage, firstLayerFilters } from "./filters.ts";
import { eventsPath, PageServer } from "./pageServer.ts";
import { PredictionTally, WatchList } from "./predictions.ts";

/** Where a dashboard is served if nothing is said, or on the next free port. */
export const usualPort = 6007;

/** Milliseconds between two messages to the page. */
const newsEvery = 500;
/** Milliseconds between two looks at the session, at least; and so many times as long as a look takes, which keeps their
 * share of the time under two percent. */
const lookEvery = 5000;
const lookShare = 50;

/** A session that is trained, and where its predictions are taken. */
interface Watched {
  readonly session: Session;
  readonly data: DataSet;
  readonly list: WatchList;
}

export interface Described extends Pick<TrainingState, "facts" | "plan" | "classNames"> {
  readonly before: ReadLog | null;
  readonly doneSteps: number;
}

export class Dashboard {
  readonly #state: TrainingState;
  #server!: PageServer;
  #timer: NodeJS.Timeout | null = null;
  #steps: Curves = emptyCurves();
  #epochs: EpochPoint[] = [];
  #step = 0;
  #watched: Watched | null = null;
  #tally: PredictionTally | null = null;
  #lookAfter = 0;
  #filterStep = -1;
  #predictionStep = -1;

  private constructor(title: string) {
    this.#state = emptyState(title);
    this.#state.runs.push({ name: "this run", curves: emptyCurves(), epochs: [] });
    this.#state.status = { phase: "starting", text: "" };
  }

  /**
   * Serves the page, and says where. `port` is true for the usual one or the next that is free. `compare` names logs of
   * earlier runs. Throws KilnError where the port is taken or a log cannot be read.
   */
  static async open(title: string, port: number | true, compare: readonly string[]): Promise<Dashboard> {
    const dashboard = new Dashboard(title);
    const { runs, notes } = readRuns(compare);
    dashboard.#state.runs.push(...runs);
    dashboard.#state.notes.push(...notes);
    const page = htmlPage("training", `${title} · Kiln`, { events: eventsPath } satisfies PageData);
    const served = { page: () => page, snapshot: () => dashboard.#snapshot() };
    const server = port === true ? await PageServer.openFrom(usualPort, served) : await PageServer.open(port, served);
    if (port === true && server.port !== usualPort)
      say(`Port ${usualPort} is taken; the next free one is ${server.port}.`);
    say(`Dashboard: ${server.address} (until the training ends)`);
    dashboard.#server = server;
    return dashboard;
  }

  // ---------------------------------------------------------------- what the training tells

  /** What is trained, on what, how, and how far it has come; `before` is what the run's log holds of that. */
  describe({ before, doneSteps, ...others }: Described): void {
    this.#step = doneSteps;
    this.#tell({ ...others, ...(before && { steps: before.curves, epochs: before.epochs }) });
  }

  /** The session that is about to be trained. */
  async watch(session: Session, data: DataSet, evaluationLimit = Number.POSITIVE_INFINITY): Promise<void> {
    const list = new WatchList(data.test, Math.min(session.batch, evaluationLimit));
    this.#watched = { session, data, list };
    this.#tell({ watched: await list.read(), status: { phase: "training", text: "" } });
  }

  step(event: StepEvent): void {
    this.#step = event.step;
    takeStep(this.#steps, event);
    this.#news();
  }

  evaluating(part: "train" | "test", done: number, total: number): void {
    this.#phase("evaluating", `${done} of ${total} ${part === "train" ? "training" : "test"} pictures`);
  }

  evaluated(part: "train" | "test", batch: EvaluatedBatch): void {
    if (part !== "test" || !this.#watched) return;
    this.#tally ??= new PredictionTally(this.#watched.list, this.#watched.data.test.classes);
    this.#tally.add(batch);
  }

  epoch(event: EpochEvent): void {
    this.#epochs.push(epochPoint(event, this.#step));
    if (this.#tally) {
      const { predictions, confusion } = this.#tally.result(this.#step);
      this.#tally = null;
      this.#predictionStep = this.#step;
      this.#tell({ predictions, evaluation: confusion, sample: null });
    }
    this.#phase("training", "");
  }

  /** The training is over: the page gets the last of it, and keeps it. */
  async end(text: string): Promise<void> {
    this.#phase("ended", text);
    this.#flush();
    await this.#server.close("{}");
  }

  // ---------------------------------------------------------------- looking at the session

  /** Filters and predictions, while a page is open; filters after each evaluation in any case. */
  readonly pause: TrainingPause = {
    isDue: () => {
      if (!this.#watched) return false;
      const isEvaluated = this.#predictionStep === this.#step;
      if (isEvaluated) return this.#filterStep !== this.#step;
      return this.#server.isWatched && performance.now() >= this.#lookAfter;
    },
    take: async (step) => {
      const start = performance.now();
      await this.#lookAtFilters(step);
      if (this.#predictionStep !== step) await this.#samplePredictions(step);
      const now = performance.now();
      this.#lookAfter = now + Math.max(lookEvery, lookShare * (now - start));
    },
  };

  async #lookAtFilters(step: number): Promise<void> {
    const { session } = this.#watched!;
    this.#filterStep = step;
    const parameter = firstLayerFilters(session.program.state.filter(({ role }) => role === "parameter"));
    if (!parameter) return;
    const pictures = filterPictures(parameter, await session.readState(parameter.name));
    this.#tell({ filters: filtersForPage(pictures, `after step ${step}`) });
  }

  /** One batch of test pictures, the first of every evaluation's sample. */
  async #samplePredictions(step: number): Promise<void> {
    const { session, data, list } = this.#watched!;
    const tally = new PredictionTally(list, data.test.classes);
    await evaluate(session, data.test, { limit: session.batch, onBatch: (batch) => tally.add(batch) });
    const { predictions, confusion } = tally.result(step);
    this.#predictionStep = step;
    this.#tell({ predictions, sample: confusion });
  }

  // ---------------------------------------------------------------- to the page

  #snapshot(): string {
    this.#flush();
    return JSON.stringify(this.#state);
  }

  #phase(phase: Phase, text: string): void {
    this.#state.status = { phase, text };
    this.#news();
  }

  /** Sends something at once; steps and epochs that wait go before it. */
  #tell(update: Update): void {
    this.#flush();
    apply(this.#state, update);
    this.#server.send("update", JSON.stringify(update));
  }

  /** Steps, epochs and the phase go in few messages. */
  #news(): void {
    this.#timer ??= setTimeout(() => this.#flush(), newsEvery).unref();
  }

  #flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const { status } = this.#state;
    const update: Update = { steps: this.#steps, epochs: this.#epochs, status };
    this.#steps = emptyCurves();
    this.#epochs = [];
    apply(this.#state, update);
    this.#server.send("update", JSON.stringify(update));
  }
}
