/** How the step's time divides into layers: forward, backward and update in one bar. */
import type { Phase } from "../../../cli/report/data.ts";
import { colorOf } from "../../theme.ts";
import { milliseconds, percent } from "../format.ts";
import type { View } from "../view.ts";
import { axisStyle, type Chart, chart, tooltipLines, tooltipStyle } from "./chart.ts";

const phases: readonly Phase[] = ["pictures", "forward", "backward", "update"];

interface LayerTime {
  /** Null for the pictures. */
  readonly layer: number | null;
  readonly name: string;
  readonly ms: Readonly<Record<Phase, number>>;
}

/** In the network's order. */
export function layerTimes(view: View): LayerTime[] {
  const { layers, measured } = view.report;
  const none = { pictures: 0, forward: 0, backward: 0, update: 0 };
  const times = layers.flatMap(({ name, place }, layer): LayerTime[] => {
    if (view.stepsOfLayer[layer].length === 0) return [];
    const ms = { ...none };
    for (const i of view.stepsOfLayer[layer]) ms[view.step(i).phase] += measured!.ms[i];
    return [{ layer, name: place ? `${name}, line ${place.line}` : name, ms }];
  });
  return [{ layer: null, name: "pictures", ms: { ...none, pictures: measured!.picturesMs } }, ...times];
}

export function sharesChart(box: HTMLElement, view: View, select: (layer: number) => void): Chart {
  const times = layerTimes(view);
  const sum = (ms: LayerTime["ms"]) => phases.reduce((all, phase) => all + ms[phase], 0);
  const total = times.reduce((all, { ms }) => all + sum(ms), 0);
  return chart(
    box,
    (marked) => {
      const isMarked = (layer: number | null) =>
        marked.size === 0 || (layer !== null && view.stepsOfLayer[layer].some((i) => marked.has(i)));
      return {
        grid: { left: 190, right: 70, top: 8, bottom: 40 },
        tooltip: {
          ...tooltipStyle(),
          trigger: "axis",
          axisPointer: { type: "none" },
          formatter: ([{ dataIndex }]: { dataIndex: number }[]) => {
            const { name, ms } = times[dataIndex];
            return tooltipLines([
              name,
              `${milliseconds(sum(ms))}, ${percent(sum(ms), total)}`,
              ...phases.filter((phase) => ms[phase] > 0).map((phase) => `${phase}: ${milliseconds(ms[phase])}`),
            ]);
          },
        },
        xAxis: { ...axisStyle(), type: "value", name: "ms", nameLocation: "middle", nameGap: 26 },
        yAxis: {
          ...axisStyle(),
          type: "category",
          inverse: true,
          data: times.map(({ name }) => name),
          axisTick: { show: false },
          axisLabel: { color: colorOf("ink"), fontSize: 11, interval: 0, width: 180, overflow: "truncate" },
        },
        series: phases.map((phase, p) => ({
          type: "bar",
          stack: "time",
          barCategoryGap: "25%",
          cursor: "pointer",
          name: phase,
          label:
            p === phases.length - 1
              ? {
                  show: true,
                  position: "right",
                  color: colorOf("quiet"),
                  fontSize: 11,
                  formatter: ({ dataIndex }: { dataIndex: number }) => percent(sum(times[dataIndex].ms), total),
                }
              : { show: false },
          data: times.map(({ layer, ms }) => ({
            value: ms[phase],
            itemStyle: { color: colorOf(phase), opacity: isMarked(layer) ? 1 : 0.3 },
          })),
        })),
      };
    },
    ({ dataIndex }) => {
      const { layer } = times[dataIndex];
      if (layer !== null) select(layer);
    },
  );
}
