/**
 * The ten figures of synthetic pictures, each a signed distance (negative inside) in coordinates where the figure
 * reaches about 1 from its centre. Only + - * / sqrt, which IEEE 754 rounds alike on every machine.
 */

export interface Figure {
  readonly name: string;
  readonly distance: (u: number, v: number) => number;
}

const length = (u: number, v: number): number => Math.sqrt(u * u + v * v);
/** Distance from the middle of the nearest of a row of cells of width `period`. */
const fold = (u: number, period: number): number => u - period * Math.floor(u / period + 0.5);

export const figures: readonly Figure[] = [
  { name: "disc", distance: (u, v) => length(u, v) - 0.85 },
  { name: "ring", distance: (u, v) => Math.abs(length(u, v) - 0.75) - 0.2 },
  { name: "square", distance: (u, v) => Math.max(Math.abs(u), Math.abs(v)) - 0.75 },
  { name: "frame", distance: (u, v) => Math.abs(Math.max(Math.abs(u), Math.abs(v)) - 0.65) - 0.17 },
  { name: "triangle", distance: (u, v) => Math.max(Math.abs(u) * (Math.sqrt(3) / 2) + v / 2, -v) - 0.5 },
  { name: "cross", distance: (u, v) => Math.min(bar(u, v), bar(v, u)) },
  { name: "crescent", distance: (u, v) => Math.max(length(u, v) - 0.95, 0.8 - length(u - 0.5, v)) },
  { name: "bars", distance: (u, v) => Math.max(Math.abs(fold(u, 0.7)) - 0.18, Math.abs(u) - 1, Math.abs(v) - 0.9) },
  {
    name: "dots",
    distance: (u, v) => Math.max(length(fold(u, 0.7), fold(v, 0.7)) - 0.24, Math.max(Math.abs(u), Math.abs(v)) - 1),
  },
  { name: "checks", distance: (u, v) => Math.max(checks(u, v), Math.max(Math.abs(u), Math.abs(v)) - 0.88) },
];

const bar = (u: number, v: number): number => Math.max(Math.abs(u) - 0.27, Math.abs(v) - 0.95);

/** A board of squares of side 0.48, four by four inside the figure. */
function checks(u: number, v: number): number {
  const side = 0.48;
  const [du, dv] = [side / 2 - Math.abs(fold(u - side / 2, side)), side / 2 - Math.abs(fold(v - side / 2, side))];
  const dark = (Math.floor(u / side) + Math.floor(v / side)) % 2 === 0;
  const edge = Math.min(du, dv);
  return dark ? -edge : edge;
}
