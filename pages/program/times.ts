/** The tab of the times: every kernel against the roofline, and the share of each layer. */
import type { Measured } from "../../cli/report/data.ts";
import { html } from "../elements.ts";
import { onTheme } from "../theme.ts";
import { bytes, milliseconds, percent, short } from "./format.ts";
import { stepLabel } from "./graph/layerGraph.ts";
import { legend } from "./legend.ts";
import type { Selection } from "./selection.ts";
import type { Tab } from "./tabs.ts";
import type { Chart } from "./times/chart.ts";
import { rooflineChart } from "./times/roofline.ts";
import { layerTimes, sharesChart } from "./times/shares.ts";
import type { View } from "./view.ts";

const clocks: Readonly<Record<Measured["clock"], string>> = {
  timestamps: "The fastest run, each kernel between two timestamps of the device:",
  threads: "The fastest run, by the clock of the thread that ended each kernel:",
  submits: "Each kernel by itself, from its submit until it is done, the least of several:",
};

export class TimesTab implements Tab {
  readonly name = "times";
  readonly title = "Times";
  readonly element: HTMLElement;
  readonly #boxes = {
    roofline: html("div", { class: "chart roofline" }),
    shares: html("div", { class: "chart shares" }),
  };
  #charts: readonly Chart[] = [];

  constructor(
    private readonly view: View,
    private readonly selection: Selection,
  ) {
    const { measured, steps } = view.report;
    const { ms, picturesMs, adapter, clock, peakGflops, copyGigabytes, stepMs, forwardMs } = measured!;
    const total = ms.reduce((a, b) => a + b, 0) + picturesMs;
    const idle = steps.flatMap(({ operations }, i) => (operations === 0 ? [ms[i]] : []));
    const layers = layerTimes(view);
    this.#boxes.shares.style.height = `${layers.length * 20 + 60}px`;
    this.element = html(
      "section",
      { class: "tab-times" },
      html(
        "div",
        { class: "charts" },
        html(
          "p",
          {},
          `${adapter}. ${clocks[clock]} ${milliseconds(total)} in all, ${milliseconds(picturesMs)} of it for the pictures; `,
          `without the clock in between ${stepMs === null ? "a forward pass" : "a step"} takes ${milliseconds(stepMs ?? forwardMs)}.`,
        ),
        html("h2", {}, "Roofline"),
        html(
          "p",
          { class: "quiet" },
          `Measured ceilings: ${short(peakGflops)} GFLOP/s of multiply-adds, ${short(copyGigabytes)} GB/s of a 64 MiB copy. `,
          "Operations and bytes are those of a kernel's definition, each tensor once; caches may give more than the copy. ",
          "A circle's area is its share of the time.",
          idle.length > 0 &&
            ` ${idle.length} dispatches compute nothing and are not shown: ${milliseconds(idle.reduce((a, b) => a + b, 0))}.`,
        ),
        html("p", {}, legend(view, "phase")),
        this.#boxes.roofline,
        html("h2", {}, "Layers"),
        html(
          "p",
          { class: "quiet" },
          "Of the time of all kernels. A kernel counts for the layer of the op that others were fused into.",
        ),
        this.#boxes.shares,
      ),
    );
    new ResizeObserver(() => this.#charts.forEach((chart) => chart.resize())).observe(this.element);
    onTheme(() => this.changed());
  }

  shown(): void {
    if (this.#charts.length === 0) {
      const describe = (i: number): string[] => this.#describe(i);
      const select = (kind: "step" | "layer", number: number) => this.selection.select(kind, number);
      this.#charts = [
        rooflineChart(this.#boxes.roofline, this.view, describe, (i) => select("step", i)),
        sharesChart(this.#boxes.shares, this.view, (layer) => select("layer", layer)),
      ];
    }
    this.changed();
  }

  changed(): void {
    const { selected } = this.selection;
    const marked = new Set(
      selected?.kind === "step"
        ? [selected.number]
        : selected?.kind === "layer"
          ? this.view.stepsOfLayer[selected.number]
          : [],
    );
    for (const chart of this.#charts) chart.draw(marked);
  }

  #describe(i: number): string[] {
    const step = this.view.step(i);
    const { ms, peakGflops } = this.view.report.measured!;
    const rate = step.operations / ms[i] / 1e6;
    return [
      step.name,
      stepLabel(this.view, i),
      `${milliseconds(ms[i])}, ${short(rate)} GFLOP/s, ${percent(rate, peakGflops)} of the ceiling`,
      `${short(step.operations / step.bytes)} FLOP/byte, ${bytes(step.bytes)} at ${short(step.bytes / ms[i] / 1e6)} GB/s`,
    ];
  }
}
