/** A drawing that is moved by dragging, and scaled by the wheel about the pointer. */

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Smaller than so, labels cannot be read. */
const readable = 0.8;

export class PanZoom {
  #scale = 1;
  #x = 0;
  #y = 0;

  constructor(
    private readonly frame: SVGSVGElement,
    private readonly content: SVGGElement,
  ) {
    frame.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        // A trackpad's pinch comes as a wheel with the control key; without it two fingers move.
        if (event.ctrlKey || event.deltaMode !== 0 || Math.abs(event.deltaY) >= 50) {
          const { left, top } = frame.getBoundingClientRect();
          this.zoom(Math.exp(-event.deltaY / (event.ctrlKey ? 100 : 500)), event.clientX - left, event.clientY - top);
        } else this.#move(-event.deltaX, -event.deltaY);
      },
      { passive: false },
    );
    let last: { x: number; y: number } | null = null;
    let moved = 0;
    frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      last = { x: event.clientX, y: event.clientY };
      moved = 0;
    });
    frame.addEventListener("pointermove", (event) => {
      if (!last || event.buttons === 0) return;
      moved += Math.abs(event.clientX - last.x) + Math.abs(event.clientY - last.y);
      if (moved > 4) frame.setPointerCapture(event.pointerId);
      this.#move(event.clientX - last.x, event.clientY - last.y);
      last = { x: event.clientX, y: event.clientY };
    });
    frame.addEventListener("pointerup", () => {
      last = null;
    });
    // What was dragged was not clicked.
    frame.addEventListener("click", (event) => moved > 4 && event.stopPropagation(), { capture: true });
  }

  zoom(factor: number, x = this.frame.clientWidth / 2, y = this.frame.clientHeight / 2): void {
    const scale = Math.min(4, Math.max(0.02, this.#scale * factor));
    this.#x = x - ((x - this.#x) * scale) / this.#scale;
    this.#y = y - ((y - this.#y) * scale) / this.#scale;
    this.#scale = scale;
    this.#apply();
  }

  /** All of it where it can still be read, else its beginning, about the box where it begins. */
  fit(bounds: Box, first: Box): void {
    this.fitWhole(bounds);
    if (this.#scale >= readable) return;
    this.#scale = readable;
    const { clientWidth } = this.frame;
    const isNarrow = bounds.width * readable + 48 <= clientWidth;
    const middle = isNarrow ? bounds.x + bounds.width / 2 : first.x + first.width / 2;
    this.#x = clientWidth / 2 - middle * readable;
    this.#y = 20 - bounds.y * readable;
    this.#apply();
  }

  fitWhole({ x, y, width, height }: Box): void {
    const { clientWidth, clientHeight } = this.frame;
    this.#scale = Math.min(1, clientWidth / (width + 48), clientHeight / (height + 48));
    this.#x = (clientWidth - width * this.#scale) / 2 - x * this.#scale;
    this.#y = Math.min(20, (clientHeight - height * this.#scale) / 2) - y * this.#scale;
    this.#apply();
  }

  /** Moves a place into view, where it is not. */
  reveal({ x, y, width, height }: Box): void {
    const { clientWidth, clientHeight } = this.frame;
    if (this.#scale < 0.5) this.#scale = 0.8;
    const [left, top] = [this.#x + x * this.#scale, this.#y + y * this.#scale];
    const inside =
      left >= 0 && top >= 0 && left + width * this.#scale <= clientWidth && top + height * this.#scale <= clientHeight;
    if (!inside) {
      this.#x = clientWidth / 2 - (x + width / 2) * this.#scale;
      this.#y = clientHeight / 2 - (y + height / 2) * this.#scale;
    }
    this.#apply();
  }

  #move(x: number, y: number): void {
    this.#x += x;
    this.#y += y;
    this.#apply();
  }

  #apply(): void {
    this.content.setAttribute("transform", `translate(${this.#x} ${this.#y}) scale(${this.#scale})`);
  }
}
