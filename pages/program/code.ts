/** Program text with its tokens coloured: IR, WGSL, WebAssembly text and model files alike. */
import { html } from "../elements.ts";

const token =
  /(\/\/.*|;;.*|\/\*.*?\*\/|^ \*[ /].*)|("(?:[^"\\]|\\.)*")|(%[\w.]+)|\b(\d[\w.]*)\b|\b(let|var|fn|for|if|else|loop|return|struct|override|const|import|export|default|from|store|sum|max|firstMax|over|select|of|by|kernel|group|barrier|unroll|registers|buffer|shared|read|write|where|module|func|param|local|result|block|br_if)\b|\b(f32|i32|u32|vec[234]|array|bool|f32x4|v128)\b/gm;
const classes = ["comment", "string", "value", "number", "keyword", "type"];

export function coloured(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  let at = 0;
  for (const match of text.matchAll(token)) {
    const kind = classes[match.slice(1).findIndex((group) => group !== undefined)];
    fragment.append(text.slice(at, match.index), html("span", { class: `t-${kind}` }, match[0]));
    at = match.index + match[0].length;
  }
  fragment.append(text.slice(at));
  return fragment;
}

export const code = (text: string): HTMLElement => html("pre", { class: "code", tabindex: 0 }, coloured(text));

/** A file with line numbers, the lines in question marked; scrolled to the first of them once it is shown. */
export function sourceFile(text: string, marked: readonly number[]): HTMLElement {
  const lines = text.replace(/\n$/, "").split("\n");
  const rows = lines.map((line, i) =>
    html(
      "div",
      { class: marked.includes(i + 1) ? "line marked" : "line" },
      html("span", { class: "number" }, i + 1),
      html("span", {}, coloured(line)),
    ),
  );
  const box = html("div", { class: "code source", tabindex: 0 }, html("div", { class: "lines" }, ...rows));
  const first = rows[Math.min(...marked) - 1];
  requestAnimationFrame(() => {
    if (first) box.scrollTop = first.offsetTop - box.clientHeight / 3;
  });
  return box;
}
