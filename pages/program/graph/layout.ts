/** Layered layout of boxes, by dagre. */
import dagre from "@dagrejs/dagre";
import type { Box } from "../panZoom.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Link {
  readonly from: number;
  readonly to: number;
  /** Of its label; 0 where it has none. */
  readonly labelWidth: number;
}

/** A line through points that leaves and meets each of them upright. */
export function uprightCurve(points: readonly Point[]): string {
  let path = `M${points[0].x} ${points[0].y}`;
  for (let i = 1; i < points.length; i++) {
    const [p, q] = [points[i - 1], points[i]];
    const middle = (p.y + q.y) / 2;
    path += `C${p.x} ${middle} ${q.x} ${middle} ${q.x} ${q.y}`;
  }
  return path;
}

/** From side to side. */
export const levelCurve = (a: Point, b: Point): string =>
  `M${a.x} ${a.y}C${(a.x + b.x) / 2} ${a.y} ${(a.x + b.x) / 2} ${b.y} ${b.x} ${b.y}`;

export interface Placed {
  readonly boxes: readonly Box[];
  /** By link: where it runs, and the middle of its label. */
  readonly links: readonly { readonly points: readonly Point[]; readonly label: Point }[];
  readonly width: number;
  readonly height: number;
}

/** down: what is read comes above; up: below. */
export function layered(
  sizes: readonly { readonly width: number; readonly height: number }[],
  links: readonly Link[],
  direction: "down" | "up",
  gap: { readonly beside: number; readonly between: number },
): Placed {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({
    rankdir: direction === "down" ? "TB" : "BT",
    nodesep: gap.beside,
    ranksep: gap.between,
    edgesep: 24,
  });
  sizes.forEach((size, i) => graph.setNode(String(i), { ...size }));
  links.forEach(({ from, to, labelWidth }, i) => {
    const label = labelWidth > 0 ? { width: labelWidth, height: 14, labelpos: "c" as const } : {};
    graph.setEdge(String(from), String(to), label, String(i));
  });
  dagre.layout(graph);
  const boxes = sizes.map(({ width, height }, i) => {
    const { x, y } = graph.node(String(i)) as Required<Point>;
    return { x: x - width / 2, y: y - height / 2, width, height };
  });
  const placed = links.map(({ from, to }, i) => {
    const edge = graph.edge({ v: String(from), w: String(to), name: String(i) });
    const points = edge.points as Point[];
    const middle = points[Math.floor(points.length / 2)];
    return { points, label: { x: edge.x ?? middle.x, y: edge.y ?? middle.y } };
  });
  const { width = 0, height = 0 } = graph.graph();
  return { boxes, links: placed, width, height };
}
