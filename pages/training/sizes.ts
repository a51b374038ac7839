/** What is drawn in pixels follows the width of the page. */

/** Calls back when an element's width changes. */
export function onWidth(of: HTMLElement, changed: (width: number) => void): void {
  let last = 0;
  new ResizeObserver(() => {
    const width = Math.floor(of.clientWidth);
    if (width === last || width === 0) return;
    last = width;
    changed(width);
  }).observe(of);
}

/** Sets a canvas's size in CSS pixels; gives what draws on it in these, sharp on any screen. */
export function sized(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d")!;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
