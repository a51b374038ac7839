/** What a graph looks like: boxes with rows, and links between them, placed. */
import type { Phase } from "../../../cli/report/data.ts";
import type { Box } from "../panZoom.ts";
import type { Selected } from "../selection.ts";
import type { Point } from "./layout.ts";

export interface Row extends Box {
  readonly text: string;
  /** At the right end, muted. */
  readonly detail: string;
  readonly hint: string;
  readonly phase: Phase;
  readonly selects: Selected;
  /** 0..1: how much of the step it is, drawn as a bar. */
  readonly share: number;
}

export interface DrawnBox extends Box {
  readonly title: string;
  readonly subtitle: string;
  readonly hint: string;
  readonly phase: Phase | null;
  readonly selects: Selected;
  readonly rows: readonly Row[];
  /** The steps inside. */
  readonly steps: readonly number[];
}

export interface DrawnLink {
  /** Of an SVG path. */
  readonly path: string;
  readonly label: Point;
  readonly text: string;
  readonly hint: string;
  readonly kind: "forward" | "gradient" | "saved";
  /** The values that pass. */
  readonly values: readonly number[];
  readonly steps: readonly number[];
}

export interface Drawing {
  readonly boxes: readonly DrawnBox[];
  readonly links: readonly DrawnLink[];
  readonly bounds: Box;
}

/** The width of a character of the page's monospaced font at the size that labels have. */
const characterWidth = 6.65;
export const rowHeight = 18;
export const titleHeight = 36;

export const textWidth = (text: string): number => text.length * characterWidth;
