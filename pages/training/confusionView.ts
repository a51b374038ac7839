/** Which class is taken for which, as a matrix of cells: a row a true class, a column a predicted one. */

import { html } from "../elements.ts";
import { colorOf, onTheme } from "../theme.ts";
import { formatCount, formatShare } from "./numbers.ts";
import { section } from "./section.ts";
import { onWidth, sized } from "./sizes.ts";
import type { Confusion, TrainingState } from "./state.ts";

/** Cells are at most so wide, in CSS pixels; names are written where they are at least as high as a line of text. */
const widestCell = 40;
const lineHeight = 13;
const font = "11px system-ui, sans-serif";

interface Grid {
  readonly left: number;
  readonly top: number;
  readonly cell: number;
}

export class ConfusionView {
  readonly root: HTMLElement;
  readonly #canvas = html("canvas");
  readonly #place = html("div", {}, this.#canvas);
  readonly #caption = html("p", { class: "caption" });
  #shown: Confusion | null = null;
  #names: readonly string[] = [];
  #rows: Map<number, number>[] = [];
  #grid: Grid = { left: 0, top: 0, cell: 1 };

  constructor() {
    this.root = section("Confusion matrix", [], this.#place, this.#caption);
    this.root.hidden = true;
    onWidth(this.#place, () => this.#draw());
    onTheme(() => this.#draw());
    this.#canvas.addEventListener("mousemove", (event) => this.#say(event));
    this.#canvas.addEventListener("mouseleave", () => this.#say(null));
  }

  /** The last evaluation; until there is one, a sample. */
  show({ sample, evaluation, classNames }: TrainingState): void {
    const shown = evaluation ?? sample;
    if (!shown || shown === this.#shown) return;
    this.root.hidden = false;
    this.#shown = shown;
    const classes = Math.max(classNames.length, ...shown.cells.map(([t, p]) => Math.max(t, p) + 1));
    this.#names = Array.from({ length: classes }, (_, i) => classNames[i] ?? `class ${i}`);
    this.#rows = this.#names.map(() => new Map());
    for (const [truth, predicted, count] of shown.cells) this.#rows[truth].set(predicted, count);
    this.#canvas.setAttribute("aria-label", `confusion matrix of ${classes} classes`);
    this.#draw();
    this.#say(null);
  }

  #draw(): void {
    const room = this.#place.clientWidth;
    if (!this.#shown || room <= 0) return;
    const names = this.#names;
    const classes = names.length;
    const measure = this.#canvas.getContext("2d")!;
    measure.font = font;
    const longest = Math.min(90, Math.max(...names.map((name) => measure.measureText(name).width)));
    const bare = Math.min(widestCell, (room - 4) / classes);
    const isNamed = (room - longest - 8) / classes >= lineHeight;
    const cell = isNamed ? Math.min(widestCell, (room - longest - 8) / classes) : Math.max(1, bare);
    const margin = isNamed ? longest + 8 : 2;
    this.#grid = { left: margin, top: margin, cell };
    const context = sized(this.#canvas, Math.ceil(margin + cell * classes + 1), Math.ceil(margin + cell * classes + 1));
    context.font = font;
    context.textBaseline = "middle";
    if (isNamed) this.#writeNames(context);
    const [accent, wrong, empty, text] = ["accent", "wrong", "cell", "ink"].map(colorOf);
    const hair = cell > 6 ? 1 : 0;
    names.forEach((_, truth) => {
      const total = sumOf(this.#rows[truth]);
      names.forEach((_, predicted) => {
        const count = this.#rows[truth].get(predicted) ?? 0;
        const share = total > 0 ? count / total : 0;
        const [x, y] = [margin + predicted * cell, margin + truth * cell];
        context.globalAlpha = 1;
        context.fillStyle = empty;
        context.fillRect(x, y, cell - hair, cell - hair);
        context.globalAlpha = share === 0 ? 0 : 0.12 + 0.88 * share;
        context.fillStyle = truth === predicted ? accent : wrong;
        context.fillRect(x, y, cell - hair, cell - hair);
        if (count === 0 || cell < 20) return;
        context.globalAlpha = 1;
        context.fillStyle = share > 0.5 ? "#fff" : text;
        context.textAlign = "center";
        context.fillText(shortCount(count), x + cell / 2, y + cell / 2, cell - 3);
      });
    });
  }

  #writeNames(context: CanvasRenderingContext2D): void {
    const { left, top, cell } = this.#grid;
    context.fillStyle = colorOf("quiet");
    this.#names.forEach((name, i) => {
      context.textAlign = "right";
      context.fillText(name, left - 6, top + (i + 0.5) * cell, left - 8);
      context.save();
      context.translate(left + (i + 0.5) * cell, top - 6);
      context.rotate(-Math.PI / 2);
      context.textAlign = "left";
      context.fillText(name, 0, 0, top - 8);
      context.restore();
    });
  }

  #say(event: MouseEvent | null): void {
    if (!this.#shown) return;
    const { pictures, correct, step } = this.#shown;
    const { left, top, cell } = this.#grid;
    const predicted = event ? Math.floor((event.offsetX - left) / cell) : -1;
    const truth = event ? Math.floor((event.offsetY - top) / cell) : -1;
    const row = this.#rows[truth];
    if (!row || !this.#names[predicted]) {
      const many = `${formatCount(pictures)} test pictures, ${formatShare(correct / pictures)} of them right, after step ${formatCount(step)}`;
      this.#caption.textContent = `${many}. A row is what they are, a column what they are taken for.`;
      return;
    }
    const [count, total] = [row.get(predicted) ?? 0, sumOf(row)];
    const share = total > 0 ? ` (${formatShare(count / total)})` : "";
    this.#caption.textContent = `${this.#names[truth]} taken for ${this.#names[predicted]}: ${formatCount(count)} of ${formatCount(total)}${share}.`;
  }
}

const sumOf = (row: ReadonlyMap<number, number>): number => [...row.values()].reduce((a, b) => a + b, 0);

/** 12345 -> "12k" */
const shortCount = (count: number): string => (count < 10_000 ? `${count}` : `${Math.round(count / 1000)}k`);
