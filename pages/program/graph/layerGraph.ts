/** The network's layers, each with its forward kernels on the left and its backward ones on the right: data flows down on
 * the left, gradients up on the right. */

import { amount, cut, percent, shape } from "../format.ts";
import type { View } from "../view.ts";
import { type Drawing, type DrawnBox, type DrawnLink, type Row, rowHeight, textWidth, titleHeight } from "./drawing.ts";
import { layered, uprightCurve } from "./layout.ts";

const columnWidth = 250;
const padding = 8;
/** Half of what lies between the two directions of a link past other layers. */
const lanes = 8;

interface Flow {
  readonly from: number;
  readonly to: number;
  readonly values: Set<number>;
  readonly steps: Set<number>;
}

/** `conv2dInputGradient + reluGradient`; a part of an algorithm also says which: its value's last word. */
export function stepLabel(view: View, i: number): string {
  const { ops, copy, name, algorithm, writes } = view.step(i);
  if (copy) return name;
  const unique = [...new Set(ops)].join(" + ");
  const words = view.value(writes[0]).name.replace(/^d\./, "").split(".");
  const last = words.length > 1 && words.at(-1) !== "y" ? ` ${words.at(-1)}` : "";
  return algorithm === "direct" || unique.includes(" + ") ? unique : unique + last;
}

export function layerDrawing(view: View): Drawing {
  const { report } = view;
  const trains = report.steps.some(({ phase }) => phase === "backward");
  const width = padding * 2 + columnWidth * (trains ? 2 : 1);
  const total = report.steps.reduce((sum, _, i) => sum + view.weight(i), 0);
  const shown = report.layers.flatMap((_, layer) => (view.stepsOfLayer[layer].length > 0 ? [layer] : []));
  const place = new Map(shown.map((layer, i) => [layer, i]));

  const boxes = shown.map((layer): DrawnBox => {
    const { name, op, place } = report.layers[layer];
    const steps = view.stepsOfLayer[layer];
    const column = (isForward: boolean): Row[] =>
      steps
        .filter((i) => (view.step(i).phase === "forward") === isForward)
        .map((i, row) => {
          const share = view.weight(i) / total;
          const detail = share >= 0.001 ? percent(share, 1) : "";
          return {
            x: padding + (isForward ? 0 : columnWidth) + 2,
            y: titleHeight + row * rowHeight,
            width: columnWidth - 4,
            height: rowHeight - 2,
            text: cut(stepLabel(view, i), 34 - detail.length),
            detail,
            hint: `${view.step(i).name}\n${amount(view.step(i).operations, "FLOP")}`,
            phase: view.step(i).phase,
            selects: { kind: "step", number: i },
            share,
          };
        });
    const columns = [column(true), column(false)];
    const most = Math.max(...columns.map((rows) => rows.length));
    return {
      x: 0,
      y: 0,
      width,
      height: titleHeight + most * rowHeight + padding,
      title: name,
      subtitle: place ? `${op}, line ${place.line}` : op,
      hint: place ? `${place.file}:${place.line}:${place.column}` : name,
      phase: null,
      selects: { kind: "layer", number: layer },
      rows: columns.flat(),
      steps,
    };
  });

  const { down, up } = flows(view);
  const pairs = new Map<string, { from: number; to: number; label: number }>();
  const pairOf = (from: number, to: number) => `${from},${to}`;
  for (const { from, to, values } of down)
    pairs.set(pairOf(from, to), { from, to, label: textWidth(valuesText(view, values)) });
  for (const { from, to } of up)
    if (!pairs.has(pairOf(to, from))) pairs.set(pairOf(to, from), { from: to, to: from, label: 0 });
  const links = [...pairs.values()].map(({ from, to, label }) => ({
    from: place.get(from)!,
    to: place.get(to)!,
    labelWidth: label + 2 * lanes,
  }));
  const laid = layered(boxes, links, "down", { beside: 60, between: 34 });
  const placedBoxes = boxes.map((box, i) => ({ ...box, ...laid.boxes[i] }));
  const linkOf = new Map([...pairs.keys()].map((key, i) => [key, laid.links[i]]));
  const drawn = (flow: Flow, kind: "forward" | "gradient"): DrawnLink => {
    const forward = kind === "forward";
    const [above, below] = forward ? [flow.from, flow.to] : [flow.to, flow.from];
    const { points, label } = linkOf.get(pairOf(above, below))!;
    // Both directions of a pair share dagre's link: far apart from layer to layer, close together in a lane past others.
    const port = trains ? (forward ? -0.5 : 0.5) * columnWidth : 0;
    const lane = trains ? (forward ? -lanes : lanes) : 0;
    const [top, bottom] = [placedBoxes[place.get(above)!], placedBoxes[place.get(below)!]];
    const inner = points.length > 3 ? points.slice(1, -1).map(({ x, y }) => ({ x: x + lane, y })) : [];
    const start = { x: top.x + top.width / 2 + port, y: top.y + top.height };
    const end = { x: bottom.x + bottom.width / 2 + port, y: bottom.y };
    const way = [start, ...inner, end];
    return {
      path: uprightCurve(forward ? way : way.reverse()),
      label:
        inner.length > 0 ? { x: label.x + lane, y: label.y } : { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 },
      // In a lane the text of one direction is enough.
      text: forward || inner.length === 0 ? valuesText(view, flow.values) : "",
      hint: [...flow.values].map((v) => `%${view.value(v).name}: ${view.value(v).type}`).join("\n"),
      kind,
      values: [...flow.values],
      steps: [...flow.steps],
    };
  };
  return {
    boxes: placedBoxes,
    links: [...down.map((flow) => drawn(flow, "forward")), ...up.map((flow) => drawn(flow, "gradient"))],
    bounds: { x: 0, y: 0, width: laid.width, height: laid.height },
  };
}

/** The largest value's shape, and how many more there are. */
function valuesText(view: View, values: ReadonlySet<number>): string {
  const sorted = [...values].sort((a, b) => view.value(b).bytes - view.value(a).bytes);
  return shape(view.value(sorted[0]).type) + (sorted.length > 1 ? ` +${sorted.length - 1}` : "");
}

/** What passes between layers: forward, and as gradients. What is kept for the backward pass is left out. */
function flows(view: View): { readonly down: readonly Flow[]; readonly up: readonly Flow[] } {
  const [down, up] = [new Map<string, Flow>(), new Map<string, Flow>()];
  view.report.steps.forEach((step, i) => {
    for (const value of step.reads) {
      const writer = view.writer[value];
      if (writer === undefined || view.value(value).kind === "parameter") continue;
      const source = view.step(writer);
      if (source.layer === step.layer) continue;
      const forward = step.phase === "forward";
      if (!forward && source.phase === "forward" && view.value(value).kind !== "gradient") continue;
      const flows = forward ? down : up;
      const key = `${source.layer},${step.layer}`;
      const flow = flows.get(key) ?? { from: source.layer, to: step.layer, values: new Set(), steps: new Set() };
      flow.values.add(value);
      flow.steps.add(writer).add(i);
      flows.set(key, flow);
    }
  });
  return { down: [...down.values()], up: [...up.values()] };
}
