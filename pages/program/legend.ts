/** Which colour means what. */
import { html } from "../elements.ts";
import type { View } from "./view.ts";

/** The phases, or the kinds of tensors, that the report has. */
export function legend({ report }: View, of: "phase" | "kind"): HTMLElement {
  const names =
    of === "phase"
      ? report.steps.map(({ phase }) => phase)
      : report.values.flatMap(({ kind, buffer, texture }) => (buffer || texture ? [kind] : []));
  return html(
    "span",
    { class: "legend" },
    ...[...new Set<string>(names)].map((name) =>
      html("span", {}, html("i", { class: `swatch fill-${name}` }), ` ${name}`),
    ),
  );
}
