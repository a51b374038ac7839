/** The whole page, drawn anew when there is something new, but not more often than an eye follows. */

import { html } from "../elements.ts";
import { Charts } from "./charts.ts";
import { ConfusionView } from "./confusionView.ts";
import { FiltersView } from "./filtersView.ts";
import { Header } from "./header.ts";
import type { Listener } from "./live.ts";
import { PredictionsView } from "./predictionsView.ts";
import { RunsTable } from "./runsTable.ts";
import { emptyState, type TrainingState } from "./state.ts";

/** Milliseconds between two drawings: whoever trains on the same processor should not notice. */
const drawEvery = 1000;

export class TrainingView implements Listener {
  readonly root: HTMLElement;
  readonly #header = new Header();
  readonly #charts = new Charts();
  readonly #runs = new RunsTable(() => this.#charts.show(this.#runs.drawn()));
  readonly #filters = new FiltersView();
  readonly #confusion = new ConfusionView();
  readonly #predictions = new PredictionsView();
  #state: TrainingState = emptyState("");
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor() {
    const pictures = html("div", { class: "pictures" }, this.#predictions.root, this.#confusion.root);
    const main = html("main", {}, this.#runs.root, this.#charts.root, this.#filters.root, pictures);
    this.root = html("div", {}, this.#header.root, main);
  }

  connected(isConnected: boolean): void {
    this.#header.connected(isConnected);
  }

  show(state: TrainingState): void {
    this.#state = state;
    this.#timer ??= setTimeout(() => this.#draw(), drawEvery);
  }

  #draw(): void {
    this.#timer = null;
    const state = this.#state;
    this.#header.show(state);
    // Of one run that is under way, the numbers stand above.
    this.#runs.root.hidden = state.status !== null && state.runs.length < 2;
    this.#runs.show(state.runs);
    this.#charts.root.hidden = state.runs.length === 0;
    this.#charts.show(this.#runs.drawn());
    this.#filters.show(state.filters);
    this.#confusion.show(state);
    this.#predictions.show(state);
  }
}
