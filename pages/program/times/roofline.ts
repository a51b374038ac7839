/** Kernels by arithmetic intensity and speed under the two ceilings (Williams, Waterman and Patterson, "Roofline", 2009). */

import { colorOf } from "../../theme.ts";
import { short } from "../format.ts";
import type { View } from "../view.ts";
import { axisStyle, type Chart, chart, tooltipLines, tooltipStyle } from "./chart.ts";

export function rooflineChart(
  box: HTMLElement,
  view: View,
  describe: (step: number) => string[],
  select: (step: number) => void,
): Chart {
  const { measured, steps } = view.report;
  const { ms, peakGflops, copyGigabytes } = measured!;
  const points = steps.flatMap(({ operations, bytes }, i) =>
    operations > 0 && ms[i] > 0 ? [{ step: i, at: [operations / bytes, operations / ms[i] / 1e6] as const }] : [],
  );
  const longest = Math.max(...ms);
  const ridge = peakGflops / copyGigabytes;
  const [left, right] = powers([...points.map(({ at }) => at[0]), ridge / 4, ridge * 4]);
  const [low, high] = powers([...points.map(({ at }) => at[1]), peakGflops]);
  const bottom = Math.max(left, low / copyGigabytes);
  return chart(
    box,
    (marked) => ({
      grid: { left: 64, right: 24, top: 24, bottom: 48 },
      tooltip: {
        ...tooltipStyle(),
        formatter: ({ data }: { data: { step?: number } }) =>
          data.step === undefined ? "" : tooltipLines(describe(data.step)),
      },
      xAxis: {
        ...axisStyle(),
        type: "log",
        min: left,
        max: right,
        name: "arithmetic intensity, FLOP/byte",
        nameLocation: "middle",
        nameGap: 30,
      },
      yAxis: { ...axisStyle(), type: "log", min: low, max: high, name: "GFLOP/s", nameGap: 8 },
      series: [
        {
          type: "line",
          silent: true,
          symbol: "none",
          lineStyle: { color: colorOf("ink"), width: 1.5 },
          endLabel: { show: false },
          data: [
            [bottom, bottom * copyGigabytes],
            [ridge, peakGflops],
            [right, peakGflops],
          ],
        },
        {
          type: "scatter",
          silent: true,
          symbolSize: 0,
          label: {
            show: true,
            color: colorOf("quiet"),
            fontSize: 11,
            textBorderColor: colorOf("ground"),
            textBorderWidth: 3,
            formatter: ({ name }: { name: string }) => name,
          },
          data: [
            {
              name: `${short(peakGflops)} GFLOP/s`,
              value: [right, peakGflops],
              label: { position: "insideBottomRight", offset: [0, -6] },
            },
            {
              name: `${short(copyGigabytes)} GB/s`,
              value: [Math.sqrt(bottom * ridge), Math.sqrt(bottom * ridge) * copyGigabytes],
              label: { position: "left", distance: 8 },
            },
          ],
        },
        {
          type: "scatter",
          cursor: "pointer",
          data: points.map(({ step, at }) => ({
            step,
            value: at,
            symbolSize: 6 + 26 * Math.sqrt(ms[step] / longest),
            itemStyle: {
              color: colorOf(steps[step].phase),
              opacity: marked.size === 0 || marked.has(step) ? 0.7 : 0.2,
              borderColor: marked.has(step) ? colorOf("ink") : colorOf("ground"),
              borderWidth: marked.has(step) ? 2 : 0.5,
            },
          })),
        },
      ],
    }),
    ({ data }) => {
      const { step } = data as { step?: number };
      if (step !== undefined) select(step);
    },
  );
}

/** Powers of ten about all values. */
function powers(values: readonly number[]): [number, number] {
  return [10 ** Math.floor(Math.log10(Math.min(...values))), 10 ** Math.ceil(Math.log10(Math.max(...values) * 1.3))];
}
