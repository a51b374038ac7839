/** Every kernel as a box with the ops that were fused into it; forward on the left, flowing down, backward on the right,
 * flowing up. */
import { cut, shape } from "../format.ts";
import type { View } from "../view.ts";
import { type Drawing, type DrawnBox, type DrawnLink, type Row, rowHeight, textWidth, titleHeight } from "./drawing.ts";
import { layered, levelCurve, type Point, uprightCurve } from "./layout.ts";

const width = 272;
const columns = Math.floor((width - 18) / 6.7);

function kernelBox(view: View, i: number, largest: number): DrawnBox {
  const step = view.step(i);
  const { nodes } = view.report;
  const rows = step.nodes.map((n, row): Row => {
    const { op, outputs, phase } = nodes[n];
    const detail = shape(view.value(outputs[0]).type);
    return {
      x: 6,
      y: titleHeight + row * rowHeight,
      width: width - 12,
      height: rowHeight - 2,
      text: cut(op, columns - detail.length - 2),
      detail,
      hint: outputs.map((v) => `%${view.value(v).name}: ${view.value(v).type}`).join("\n"),
      phase,
      selects: { kind: "node", number: n },
      share: op === step.ops[0] ? view.weight(i) / largest : 0,
    };
  });
  return {
    x: 0,
    y: 0,
    width,
    height: titleHeight + rows.length * rowHeight + 6,
    title: cut(step.name, columns),
    subtitle: cut(`${i}  ${step.algorithm}`, columns),
    hint: step.name,
    phase: step.phase,
    selects: { kind: "step", number: i },
    rows,
    steps: [i],
  };
}

export function kernelDrawing(view: View): Drawing {
  const { steps } = view.report;
  const largest = Math.max(1, ...steps.map((_, i) => view.weight(i)));
  const all = steps.map((_, i) => kernelBox(view, i, largest));
  const sides = [
    steps.flatMap((s, i) => (s.phase === "forward" ? [i] : [])),
    steps.flatMap((s, i) => (s.phase !== "forward" ? [i] : [])),
  ];
  const boxes: DrawnBox[] = [];
  const links: DrawnLink[] = [];
  const heights: number[] = [];
  let left = 0;
  for (const [side, members] of sides.entries()) {
    if (members.length === 0) continue;
    const placeOf = new Map(members.map((step, place) => [step, place]));
    const flows = flowsWithin(view, members);
    const placed = layered(
      members.map((i) => all[i]),
      flows.map(({ from, to, text }) => ({
        from: placeOf.get(from)!,
        to: placeOf.get(to)!,
        labelWidth: textWidth(text),
      })),
      side === 0 ? "down" : "up",
      { beside: 28, between: 34 },
    );
    heights.push(placed.height);
    // Both sides end where the loss is.
    const down = side === 1 && heights.length === 2 ? heights[0] - placed.height : 0;
    members.forEach((step, place) => {
      const box = placed.boxes[place];
      boxes[step] = { ...all[step], ...box, x: box.x + left, y: box.y + down };
    });
    flows.forEach((flow, f) => {
      const { points, label } = placed.links[f];
      const move = ({ x, y }: Point): Point => ({ x: x + left, y: y + down });
      links.push({
        path: uprightCurve(points.map(move)),
        label: move(label),
        text: flow.text,
        hint: flow.values.map((v) => `%${view.value(v).name}: ${view.value(v).type}`).join("\n"),
        kind: side === 0 ? "forward" : "gradient",
        values: flow.values,
        steps: [flow.from, flow.to],
      });
    });
    left += placed.width + 140;
  }
  links.push(...crossings(view, boxes));
  const top = Math.min(...boxes.map(({ y }) => y));
  const bottom = Math.max(...boxes.map(({ y, height }) => y + height));
  return { boxes, links, bounds: { x: 0, y: top, width: left - 140, height: bottom - top } };
}

interface KernelFlow {
  readonly from: number;
  readonly to: number;
  readonly values: number[];
  text: string;
}

function flowsWithin(view: View, members: readonly number[]): KernelFlow[] {
  const inside = new Set(members);
  const flows = new Map<string, KernelFlow>();
  for (const to of members)
    for (const value of view.step(to).reads) {
      const from = view.writer[value];
      if (from === undefined || !inside.has(from) || from === to) continue;
      const flow = flows.get(`${from},${to}`) ?? { from, to, values: [], text: "" };
      flow.values.push(value);
      flow.text =
        shape(view.value(flow.values[0]).type) + (flow.values.length > 1 ? ` +${flow.values.length - 1}` : "");
      flows.set(`${from},${to}`, flow);
    }
  return [...flows.values()];
}

/** From the forward side to the backward side: what is kept, and the loss's gradient. */
function crossings(view: View, boxes: readonly DrawnBox[]): DrawnLink[] {
  return view.report.steps.flatMap((step, to) =>
    step.phase === "forward"
      ? []
      : step.reads.flatMap((value): DrawnLink[] => {
          const from = view.writer[value];
          if (from === undefined || view.step(from).phase !== "forward") return [];
          const [a, b] = [boxes[from], boxes[to]];
          const start = { x: a.x + a.width, y: a.y + a.height / 2 };
          const end = { x: b.x, y: b.y + b.height / 2 };
          const { name, type, kind } = view.value(value);
          return [
            {
              path: levelCurve(start, end),
              label: { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 },
              text: shape(type),
              hint: `%${name}: ${type}`,
              kind: kind === "gradient" ? "gradient" : "saved",
              values: [value],
              steps: [from, to],
            },
          ];
        }),
  );
}
