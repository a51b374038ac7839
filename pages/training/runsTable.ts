/** The runs in figures; the table is the charts' legend too, and hides runs. */

import { html } from "../elements.ts";
import type { DrawnRun } from "./charts.ts";
import { formatCount, formatLoss, formatRate, formatShare, meanOfLast } from "./numbers.ts";
import { section } from "./section.ts";
import type { Run } from "./state.ts";

/** How many colours for runs the style sheet has; from the ninth run on they come again. */
const colours = 8;
const colourOf = (at: number): string => `run-${(at % colours) + 1}`;

const heads = ["Run", "Steps", "Last loss", "Mean of last 20", "Training accuracy", "Test accuracy", "Images/s"];

export class RunsTable {
  readonly root: HTMLElement;
  readonly #body = html("tbody");
  readonly #hidden = new Set<string>();
  #runs: readonly Run[] = [];

  constructor(private readonly onChange: () => void) {
    const head = html("tr", {}, ...heads.map((name) => html("th", { scope: "col" }, name)));
    const table = html("table", {}, html("thead", {}, head), this.#body);
    this.root = section("Runs", [], html("div", { class: "wide" }, table));
  }

  show(runs: readonly Run[]): void {
    const isSame = runs.length === this.#runs.length && runs.every(({ name }, i) => name === this.#runs[i].name);
    this.#runs = runs;
    if (!isSame) this.#body.replaceChildren(...runs.map((run, i) => this.#row(run, i)));
    runs.forEach((run, i) => {
      const cells = [...this.#body.rows[i].cells].slice(1);
      figuresOf(run).forEach((text, at) => {
        cells[at].textContent = text;
      });
    });
  }

  /** The runs that are not hidden. */
  drawn(): DrawnRun[] {
    return this.#runs.map((run, i) => ({ run, color: colourOf(i) })).filter(({ run }) => !this.#hidden.has(run.name));
  }

  #row({ name }: Run, at: number): HTMLElement {
    const box = html("input", { type: "checkbox" });
    box.checked = true;
    box.addEventListener("change", () => {
      if (box.checked) this.#hidden.delete(name);
      else this.#hidden.add(name);
      this.onChange();
    });
    const swatch = html("span", { class: "swatch", style: `--color: var(--${colourOf(at)})` });
    const head = html("th", { scope: "row" }, html("label", { title: "Show or hide" }, box, swatch, name));
    return html("tr", {}, head, ...heads.slice(1).map(() => html("td")));
  }
}

function figuresOf({ curves, epochs }: Run): string[] {
  const last = epochs.at(-1);
  return [
    formatCount(curves.step.at(-1)),
    formatLoss(curves.loss.at(-1)),
    formatLoss(meanOfLast(curves.loss, 20)),
    formatShare(last?.trainAccuracy),
    formatShare(last?.testAccuracy),
    formatRate(meanOfLast(curves.imagesPerSecond, 20)),
  ];
}
