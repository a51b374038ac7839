/** Curves over steps. */
import { LineChart as Lines } from "echarts/charts";
import { DataZoomComponent, GridComponent, ToolboxComponent, TooltipComponent } from "echarts/components";
import { type EChartsType, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { html } from "../elements.ts";
import { colorOf, onTheme } from "../theme.ts";
import { formatCount, nearest } from "./numbers.ts";
import { onWidth } from "./sizes.ts";

use([Lines, GridComponent, TooltipComponent, DataZoomComponent, ToolboxComponent, CanvasRenderer]);

export interface Line {
  readonly name: string;
  /** Its name in the style sheet. */
  readonly color: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Drawn thin and pale, and not read out: what the smoothed line was made of. */
  readonly faint?: boolean;
  readonly dashed?: boolean;
  /** Few points, each with a dot. */
  readonly dots?: boolean;
}

export interface ChartOptions {
  readonly title: string;
  readonly format: (value: number) => string;
  /** How values stand beside the axis: short. */
  readonly axisFormat: (value: number) => string;
  /** The axis begins at zero. */
  readonly fromZero?: boolean;
}

export interface Shown {
  readonly lines: readonly Line[];
  /** The first and the last step. */
  readonly steps: readonly [number, number];
  readonly isLog?: boolean;
}

const height = 230;

export class LineChart {
  readonly root: HTMLElement;
  readonly #chart: EChartsType;
  readonly #empty = html("div", { class: "empty" }, "No values");
  #shown: Shown = { lines: [], steps: [0, 1] };

  constructor(private readonly options: ChartOptions) {
    const place = html("div", { class: "plot" });
    this.root = html("figure", { class: "chart" }, html("figcaption", {}, options.title), place, this.#empty);
    this.#chart = init(place, null, { renderer: "canvas", width: 400, height });
    onWidth(place, (width) => this.#chart.resize({ width, height }));
    onTheme(() => this.show(this.#shown));
    this.#chart.getZr().on("dblclick", () => this.#chart.dispatchAction({ type: "dataZoom", start: 0, end: 100 }));
  }

  show(shown: Shown): void {
    const isFirst = this.#shown.lines.length === 0;
    this.#shown = shown;
    const { lines, steps, isLog = false } = shown;
    this.#empty.hidden = lines.some(({ x }) => x.length > 0);
    const [text, muted, grid] = [colorOf("ink"), colorOf("quiet"), colorOf("line")];
    const label = { color: muted, fontSize: 11 };
    this.#chart.setOption(
      {
        animation: false,
        grid: { left: 56, right: 16, top: 12, bottom: 28 },
        xAxis: {
          type: "value",
          min: steps[0],
          max: steps[1],
          minInterval: 1,
          axisLabel: {
            ...label,
            formatter: (value: number) => formatCount(Math.round(value)),
            hideOverlap: true,
            showMinLabel: false,
            showMaxLabel: false,
          },
          axisLine: { lineStyle: { color: grid } },
          splitLine: { show: false },
        },
        yAxis: {
          type: isLog ? "log" : "value",
          scale: !this.options.fromZero,
          splitNumber: 4,
          axisLabel: { ...label, formatter: this.options.axisFormat, hideOverlap: true },
          axisLine: { show: false },
          splitLine: { lineStyle: { color: grid } },
        },
        tooltip: {
          trigger: "axis",
          confine: true,
          transitionDuration: 0,
          backgroundColor: colorOf("ground"),
          borderColor: grid,
          textStyle: { color: text, fontSize: 12 },
          axisPointer: { lineStyle: { color: muted } },
          formatter: (given: unknown) => this.#readOut((given as { axisValue: number }[])[0].axisValue),
        },
        // Dragging selects steps; the box itself stays out of sight.
        toolbox: {
          itemSize: 0,
          feature: { dataZoom: { yAxisIndex: "none", brushStyle: { color: muted, opacity: 0.2 } } },
        },
        series: lines.map((line) => ({
          type: "line",
          name: line.name,
          data: line.x.map((x, i) => [x, isLog && line.y[i] <= 0 ? null : line.y[i]]),
          showSymbol: line.dots ?? false,
          symbol: line.dashed ? "diamond" : "circle",
          symbolSize: line.dashed ? 8 : 6,
          sampling: "lttb",
          color: colorOf(line.color),
          lineStyle: {
            width: line.faint ? 1 : 1.8,
            opacity: line.faint ? 0.3 : 1,
            type: line.dashed ? "dashed" : "solid",
          },
          emphasis: { disabled: true },
          silent: true,
          z: line.faint ? 1 : 2,
        })),
      },
      { replaceMerge: ["series"] },
    );
    if (isFirst)
      this.#chart.dispatchAction({ type: "takeGlobalCursor", key: "dataZoomSelect", dataZoomSelectActive: true });
  }

  /** What all lines are near a step. */
  #readOut(step: number): HTMLElement {
    const lines = this.#shown.lines.filter(({ faint, x }) => !faint && x.length > 0);
    return html(
      "div",
      { class: "readout" },
      html("div", {}, `Step ${formatCount(step)}`),
      ...lines.map(({ name, color, x, y, dashed }) =>
        html(
          "div",
          {},
          html("span", { class: dashed ? "swatch dashed" : "swatch", style: `--color: var(--${color})` }),
          html("span", { class: "name" }, name),
          html("b", {}, this.options.format(y[nearest(x, step)])),
        ),
      ),
    );
  }
}
