/** The four charts of runs, with the controls that go for them. */
import { html } from "../elements.ts";
import { type Line, LineChart } from "./lineChart.ts";
import { formatLoss, formatPercent, formatRate, formatShare, formatTick, smoothed } from "./numbers.ts";
import { section } from "./section.ts";
import type { Run } from "./state.ts";

/** A run as it is drawn. */
export interface DrawnRun {
  readonly run: Run;
  /** Its name in the style sheet. */
  readonly color: string;
}

export class Charts {
  readonly root: HTMLElement;
  readonly #loss = new LineChart({ title: "Loss", format: formatLoss, axisFormat: formatTick });
  readonly #moving = new LineChart({ title: "Moving loss", format: formatLoss, axisFormat: formatTick });
  readonly #accuracy = new LineChart({
    title: "Accuracy (dots: test; diamonds: training)",
    format: formatShare,
    axisFormat: formatPercent,
    fromZero: true,
  });
  readonly #rate = new LineChart({
    title: "Images a second",
    format: formatRate,
    axisFormat: formatTick,
    fromZero: true,
  });
  readonly #smoothing = html("input", { type: "range", min: "0", max: "0.99", step: "0.01", value: "0.6" });
  readonly #log = html("input", { type: "checkbox" });
  #runs: readonly DrawnRun[] = [];

  constructor() {
    const weight = html("output", {}, "0.60");
    this.#smoothing.addEventListener("input", () => {
      weight.textContent = Number(this.#smoothing.value).toFixed(2);
      this.show(this.#runs);
    });
    this.#log.addEventListener("change", () => this.show(this.#runs));
    this.root = section(
      "Curves",
      [
        html("label", {}, "Smoothing ", this.#smoothing, weight),
        html("label", {}, this.#log, " Logarithmic loss"),
        html("span", { class: "caption" }, "Drag across a chart to zoom in, double-click to see all."),
      ],
      html(
        "div",
        { class: "charts" },
        ...[this.#loss, this.#accuracy, this.#moving, this.#rate].map(({ root }) => root),
      ),
    );
  }

  show(runs: readonly DrawnRun[]): void {
    this.#runs = runs;
    const isLog = this.#log.checked;
    const weight = Number(this.#smoothing.value);
    const last = Math.max(1, ...runs.map(({ run }) => run.curves.step.at(-1) ?? 1));
    const first = Math.min(last, ...runs.map(({ run }) => run.curves.step[0] ?? last));
    const steps = [first, last] as const;
    this.#loss.show({ lines: withSmoothed(runs, "loss", weight), steps, isLog });
    this.#moving.show({ lines: runs.map((drawn) => lineOf(drawn, drawn.run.curves.movingLoss)), steps, isLog });
    this.#rate.show({ lines: withSmoothed(runs, "imagesPerSecond", weight), steps });
    this.#accuracy.show({ lines: runs.flatMap(accuracies), steps });
  }
}

const lineOf = ({ run, color }: DrawnRun, y: readonly number[]): Line => ({
  name: run.name,
  color,
  x: run.curves.step,
  y,
});

/** The values pale, and over them what smoothing makes of them. */
function withSmoothed(runs: readonly DrawnRun[], of: "loss" | "imagesPerSecond", weight: number): Line[] {
  const values = runs.map((drawn) => lineOf(drawn, drawn.run.curves[of]));
  if (weight === 0) return values;
  return [
    ...values.map((line) => ({ ...line, faint: true })),
    ...values.map((line) => ({ ...line, y: smoothed(line.y, weight) })),
  ];
}

function accuracies({ run, color }: DrawnRun): Line[] {
  const x = run.epochs.map(({ step }) => step);
  const all = { color, x, dots: true };
  return [
    { ...all, name: `${run.name}, test`, y: run.epochs.map((e) => e.testAccuracy) },
    { ...all, name: `${run.name}, training`, y: run.epochs.map((e) => e.trainAccuracy), dashed: true },
  ];
}
