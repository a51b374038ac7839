/** The top of the page: what is trained, how far it has come, its latest numbers. */
import { html } from "../elements.ts";
import { formatCount, formatLoss, formatRate, formatShare, formatTime, meanOfLast } from "./numbers.ts";
import type { Phase, TrainingState } from "./state.ts";

const phases: Record<Phase, string> = {
  starting: "starting",
  training: "training",
  evaluating: "evaluating",
  ended: "ended",
};

const figures = ["step", "loss", "moving loss", "test accuracy", "images/s", "time left"] as const;

export class Header {
  readonly root: HTMLElement;
  readonly #title = html("h1");
  readonly #chip = html("span", { class: "chip" });
  readonly #detail = html("span", { class: "quiet" });
  readonly #done = html("i");
  readonly #progress = html("div", { class: "progress" }, this.#done);
  readonly #facts = html("div", { class: "quiet facts" });
  readonly #notes = html("div", { class: "notes", role: "status" });
  readonly #values = figures.map(() => html("b", {}, "–"));
  readonly #figures = html(
    "div",
    { class: "figures" },
    ...figures.map((name, i) => html("div", { class: "figure" }, this.#values[i], html("span", {}, name))),
  );
  #isConnected = true;
  #state: TrainingState | null = null;

  constructor() {
    const who = html("div", { class: "who" }, this.#title, this.#chip, this.#detail, this.#facts);
    const words = html("div", { class: "words" }, who, this.#figures);
    this.root = html("header", { class: "top" }, words, this.#notes, this.#progress);
  }

  connected(isConnected: boolean): void {
    this.#isConnected = isConnected;
    if (this.#state) this.show(this.#state);
  }

  show(state: TrainingState): void {
    this.#state = state;
    const { title, status, plan, facts, runs } = state;
    const step = runs[0]?.curves.step.at(-1) ?? 0;
    this.#title.textContent = title;
    this.#facts.replaceChildren(...facts.map((line) => html("p", {}, line)));
    this.#notes.replaceChildren(...this.#lines(state).map((line) => html("p", {}, line)));
    for (const part of [this.#chip, this.#progress, this.#figures]) part.hidden = status === null;
    if (status === null) return;
    this.#chip.textContent = this.#isConnected ? phases[status.phase] : "no connection";
    this.#chip.className = `chip ${this.#isConnected ? status.phase : "lost"}`;
    this.#detail.textContent =
      status.phase === "ended"
        ? `${status.text} This page keeps what it shows until it is closed or loaded again.`
        : status.text;
    this.#done.style.width = `${plan ? (100 * step) / plan.steps : 0}%`;
    if (runs.length > 0) this.#fill(state, step);
  }

  #fill({ status, plan, runs: [{ curves, epochs }] }: TrainingState, step: number): void {
    const rate = meanOfLast(curves.imagesPerSecond, 20);
    const left = plan && status!.phase !== "ended" ? ((plan.steps - step) * plan.batch) / rate : undefined;
    const values = [
      plan ? `${formatCount(step)} / ${formatCount(plan.steps)}` : formatCount(step),
      formatLoss(curves.loss.at(-1)),
      formatLoss(curves.movingLoss.at(-1)),
      formatShare(epochs.at(-1)?.testAccuracy),
      formatRate(rate),
      formatTime(left),
    ];
    values.forEach((text, i) => {
      this.#values[i].textContent = text;
    });
  }

  /** What there is to say in whole sentences. */
  #lines({ status, notes }: TrainingState): string[] {
    const isLost = !this.#isConnected && status?.phase !== "ended";
    return isLost
      ? [...notes, "The process that trains cannot be reached; this is the last that it told."]
      : [...notes];
  }
}
