/** The first layer's filters, side by side. */
import { html } from "../elements.ts";
import { section } from "./section.ts";
import { onWidth, sized } from "./sizes.ts";
import type { Filters } from "./state.ts";

const gap = 3;
/** Of a filter, in CSS pixels. */
const [narrowest, widest] = [40, 56];

export class FiltersView {
  readonly root: HTMLElement;
  readonly #canvas = html("canvas");
  readonly #place = html("div", {}, this.#canvas);
  readonly #caption = html("p", { class: "caption" });
  #filters: Filters | null = null;
  #columns = 1;
  #size = 1;

  constructor() {
    this.root = section("Filters of the first layer", [], this.#place, this.#caption);
    this.root.hidden = true;
    onWidth(this.#place, () => this.#draw());
    this.#canvas.addEventListener("mousemove", (event) => this.#say(this.#at(event)));
    this.#canvas.addEventListener("mouseleave", () => this.#say(null));
  }

  show(filters: Filters | null): void {
    if (filters === this.#filters || !filters) return;
    this.#filters = filters;
    this.root.hidden = false;
    this.#canvas.setAttribute("aria-label", `${filters.count} filters of ${filters.name}, ${filters.when}`);
    this.#draw();
    this.#say(null);
  }

  #at({ offsetX, offsetY }: MouseEvent): number | null {
    const [column, row] = [Math.floor(offsetX / (this.#size + gap)), Math.floor(offsetY / (this.#size + gap))];
    const at = row * this.#columns + column;
    return column < this.#columns && at < (this.#filters?.count ?? 0) ? at : null;
  }

  #say(filter: number | null): void {
    if (!this.#filters) return;
    const { name, count, channels, height, width, when } = this.#filters;
    const kind = channels === 1 ? "grey" : "colour";
    this.#caption.textContent =
      filter === null
        ? `${name}, ${when}: ${count} ${kind} filters of ${height} × ${width}, each from its least value to its greatest.`
        : `Filter ${filter} of ${name}.`;
  }

  #draw(): void {
    if (!this.#filters) return;
    const { count, channels, height, width, bytes } = this.#filters;
    const room = this.#place.clientWidth;
    if (room <= 0) return;
    this.#size = Math.min(widest, Math.max(narrowest, Math.floor((room + gap) / count) - gap));
    const rows = Math.ceil(count / Math.max(1, Math.floor((room + gap) / (this.#size + gap))));
    this.#columns = Math.ceil(count / rows); // rows of one length, but for the last
    const step = this.#size + gap;
    const context = sized(this.#canvas, this.#columns * step - gap, rows * step - gap);
    context.imageSmoothingEnabled = false;
    const values = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
    const picture = new OffscreenCanvas(width, height);
    const pen = picture.getContext("2d")!;
    const pixels = pen.createImageData(width, height);
    for (let f = 0; f < count; f++) {
      for (let i = 0; i < width * height; i++) {
        const from = (f * width * height + i) * channels;
        for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = values[from + (channels === 3 ? c : 0)];
        pixels.data[4 * i + 3] = 255;
      }
      pen.putImageData(pixels, 0, 0);
      const [x, y] = [(f % this.#columns) * step, Math.floor(f / this.#columns) * step];
      context.drawImage(picture, x, y, this.#size, this.#size);
    }
  }
}
