/** A chart of ECharts, in the page's colours. */
import { BarChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { html } from "../../elements.ts";
import { colorOf } from "../../theme.ts";

echarts.use([ScatterChart, LineChart, BarChart, GridComponent, TooltipComponent, SVGRenderer]);

export interface Chart {
  /** With these steps marked. */
  draw(marked: ReadonlySet<number>): void;
  resize(): void;
}

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
  axisLine: { lineStyle: { color: colorOf("line") } },
  axisLabel: { color: colorOf("quiet"), fontSize: 11 },
  splitLine: { lineStyle: { color: colorOf("line"), opacity: 0.5 } },
  nameTextStyle: { color: colorOf("quiet") },
});

export const tooltipStyle = () => ({
  backgroundColor: colorOf("ground"),
  borderColor: colorOf("line"),
  textStyle: { color: colorOf("ink"), fontSize: 12 },
  confine: true,
});

/** Lines of a tooltip: an element, so that no name is read as HTML. */
export const tooltipLines = (lines: readonly string[]): HTMLElement =>
  html("div", {}, ...lines.map((line, i) => html("div", {}, i === 0 ? html("b", {}, line) : line)));
