/** The colors of a page's style sheet, for what is not styled by it: charts and canvases. */

/** A color of the style sheet, as it is now: light or dark. */
export const colorOf = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Calls back when the colors change between light and dark. */
export const onTheme = (changed: () => void): void =>
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
