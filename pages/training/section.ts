import { html } from "../elements.ts";

/** A part of the page under a heading; `tools` stand beside the heading. */
export function section(title: string, tools: Node[], ...children: Node[]): HTMLElement {
  return html(
    "section",
    { "aria-label": title },
    html("div", { class: "head" }, html("h2", {}, title), ...tools),
    ...children,
  );
}
