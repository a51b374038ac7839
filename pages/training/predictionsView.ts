/** A few test pictures, and what the model takes them for. */
import { html } from "../elements.ts";
import { formatShare } from "./numbers.ts";
import { section } from "./section.ts";
import type { Predictions, TrainingState, WatchedPictures } from "./state.ts";

interface Card {
  readonly root: HTMLElement;
  readonly bar: HTMLElement;
  readonly predicted: HTMLElement;
  readonly probability: HTMLElement;
  readonly truth: HTMLElement;
}

export class PredictionsView {
  readonly root: HTMLElement;
  readonly #grid = html("div", { class: "predictions" });
  readonly #caption = html("p", { class: "caption" });
  #watched: WatchedPictures | null = null;
  #predictions: Predictions | null = null;
  #cards: Card[] = [];

  constructor() {
    this.root = section("Test pictures", [], this.#grid, this.#caption);
    this.root.hidden = true;
  }

  show({ watched, predictions, classNames }: TrainingState): void {
    if (!watched || !predictions || predictions === this.#predictions) return;
    this.root.hidden = false;
    this.#predictions = predictions;
    const nameOf = (label: number) => classNames[label] ?? `class ${label}`;
    if (watched !== this.#watched) {
      this.#watched = watched;
      this.#cards = watched.pictures.map((url, i) => cardOf(url, nameOf(watched.labels[i])));
      this.#grid.replaceChildren(...this.#cards.map(({ root }) => root));
    }
    let right = 0;
    this.#cards.forEach(({ root, bar, predicted, probability, truth }, i) => {
      const [label, guess, share] = [watched.labels[i], predictions.classes[i], predictions.probabilities[i]];
      const isRight = label === guess;
      if (isRight) right++;
      root.className = isRight ? "prediction" : "prediction wrong";
      predicted.textContent = nameOf(guess);
      bar.style.width = formatShare(share);
      probability.textContent = formatShare(share);
      truth.textContent = isRight ? "" : `is ${nameOf(label)}`;
    });
    this.#caption.textContent = `${right} of these ${this.#cards.length} right after step ${predictions.step}: the likeliest class and its probability; wrong ones are red, with the class that they are of.`;
  }
}

function cardOf(url: string, name: string): Card {
  const bar = html("i");
  const predicted = html("b");
  const probability = html("span");
  const truth = html("span");
  const root = html(
    "figure",
    {},
    html("img", { src: url, alt: name, title: name }),
    html("div", { class: "share" }, bar),
    html("figcaption", {}, predicted, probability, truth),
  );
  return { root, bar, predicted, probability, truth };
}
