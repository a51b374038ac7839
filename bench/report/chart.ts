/** Charts as SVG, drawn by Apache ECharts on the server's side: it needs neither a page nor a canvas. */
import * as echarts from "echarts";
import type { Chart } from "../suite.ts";

const size = { width: 800, height: 420 };
const common = {
  animation: false,
  backgroundColor: "#fff",
  textStyle: { fontFamily: "sans-serif" },
  grid: { left: 70, right: 50, top: 60, bottom: 60 },
} as const;

/** Without a canvas the library guesses how wide a text is, and guesses low; so room for labels is set aside here. */
const characterWidth = 7;

export function chartToSvg({ title, option, height = size.height }: Chart): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, ...size, height });
  chart.setOption({ ...common, title: { text: title, left: "center", textStyle: { fontSize: 15 } }, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

export interface Bars {
  readonly name: string;
  readonly title: string;
  readonly log?: boolean;
  readonly bars: readonly { readonly label: string; readonly value: number }[];
}

/** Bars from left to right, the first on top, each with its value. */
export const barChart = ({ name, title, log = false, bars }: Bars): Chart => ({
  name,
  title,
  height: 110 + 26 * bars.length,
  option: {
    grid: {
      ...common.grid,
      left: 20 + characterWidth * Math.max(...bars.map(({ label }) => label.length)),
      bottom: 40,
    },
    xAxis: log ? { type: "log", min: powerBelow(bars.map(({ value }) => value)) } : { type: "value" },
    yAxis: { type: "category", inverse: true, data: bars.map(({ label }) => label) },
    series: [
      {
        type: "bar",
        barMaxWidth: 24,
        data: bars.map(({ value }) => value),
        label: { show: true, position: "right", formatter: ({ value }) => Number(value).toPrecision(3) },
      },
    ],
  },
});

export interface Lines {
  readonly name: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly log?: boolean;
  readonly lines: readonly { readonly label: string; readonly points: readonly (readonly [number, number])[] }[];
}

/** A line a series, over x, both axes logarithmic with `log`. */
export const lineChart = ({ name, title, x, y, log = false, lines }: Lines): Chart => {
  const axis = (which: 0 | 1, label: string) => ({
    name: label,
    nameLocation: "middle" as const,
    nameGap: which === 0 ? 25 : 45,
    ...(log
      ? { type: "log" as const, min: powerBelow(lines.flatMap(({ points }) => points.map((point) => point[which]))) }
      : { type: "value" as const }),
  });
  return {
    name,
    title,
    option: {
      legend: { bottom: 0, show: lines.length > 1 },
      xAxis: axis(0, x),
      yAxis: axis(1, y),
      series: lines.map(({ label, points }) => ({ type: "line", name: label, data: points.map(([a, b]) => [a, b]) })),
    },
  };
};

/** Where a logarithmic axis begins: bars would otherwise begin at the least value and look like nothing. */
const powerBelow = (values: readonly number[]): number =>
  10 ** Math.floor(Math.log10(Math.min(...values.filter((value) => value > 0)) * 0.99));
