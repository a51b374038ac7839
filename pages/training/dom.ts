/** Elements with attributes and children, in one call. */

export type Child = Node | string;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A part of the page under a heading; `tools` stand beside the heading. */
export function section(title: string, tools: Child[], ...children: Child[]): HTMLElement {
  return element(
    "section",
    { "aria-label": title },
    element("div", { class: "head" }, element("h2", {}, title), ...tools),
    ...children,
  );
}

/** A color of the style sheet, as it is now: light or dark. */
export const colorOf = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Calls back when the colors change between light and dark. */
export const onTheme = (changed: () => void): void =>
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);

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
