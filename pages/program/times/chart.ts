/** A chart of ECharts, in the page's colours. */
import { BarChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { html } from "../dom.ts";

echarts.use([ScatterChart, LineChart, BarChart, GridComponent, TooltipComponent, SVGRenderer]);

export interface Chart {
  /** With these steps marked. */
  draw(marked: ReadonlySet<number>): void;
  resize(): void;
}

/** A colour of the style sheet, by its name there. */
export const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export function chart(
  box: HTMLElement,
  options: (marked: ReadonlySet<number>) => Record<string, unknown>,
  click: (item: { readonly seriesIndex?: number; readonly dataIndex: number; readonly data: unknown }) => void,
): Chart {
  const instance = echarts.init(box, null, { renderer: "svg" });
  instance.on("click", (event) => click(event as never));
  return {
    draw: (marked) => instance.setOption({ animation: false, ...options(marked) }),
    resize: () => instance.resize(),
  };
}

export const axisStyle = () => ({
  axisLine: { lineStyle: { color: colour("line") } },
  axisLabel: { color: colour("quiet"), fontSize: 11 },
  splitLine: { lineStyle: { color: colour("line"), opacity: 0.5 } },
  nameTextStyle: { color: colour("quiet") },
});

export const tooltipStyle = () => ({
  backgroundColor: colour("ground"),
  borderColor: colour("line"),
  textStyle: { color: colour("ink"), fontSize: 12 },
  confine: true,
});

/** Lines of a tooltip: an element, so that no name is read as HTML. */
export const tooltipLines = (lines: readonly string[]): HTMLElement =>
  html("div", {}, ...lines.map((line, i) => html("div", {}, i === 0 ? html("b", {}, line) : line)));
