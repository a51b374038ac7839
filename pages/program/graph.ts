/** The tab of the graph: layers, or every kernel. */
import { html, svg } from "../elements.ts";
import type { Drawing, DrawnBox, DrawnLink } from "./graph/drawing.ts";
import { rowHeight } from "./graph/drawing.ts";
import { kernelDrawing } from "./graph/kernelGraph.ts";
import { layerDrawing } from "./graph/layerGraph.ts";
import { legend } from "./legend.ts";
import { PanZoom } from "./panZoom.ts";
import type { Selection } from "./selection.ts";
import type { Tab } from "./tabs.ts";
import type { View } from "./view.ts";

type Detail = "layers" | "kernels";

/** Of more kernels, what is kept for the backward pass is drawn for the selected one alone. */
const fewKernels = 60;

export class GraphTab implements Tab {
  readonly name = "graph";
  readonly title = "Graph";
  readonly element: HTMLElement;
  #detail: Detail = "layers";
  readonly #frame = svg("svg", { class: "graph", tabindex: 0, role: "img", "aria-label": "graph of the model" });
  #panZoom!: PanZoom;
  readonly #drawings = new Map<Detail, Drawing>();
  #drawn: { readonly boxes: SVGGElement[]; readonly links: SVGGElement[]; readonly drawing: Drawing } | null = null;
  readonly #switch: Record<Detail, HTMLButtonElement>;

  constructor(
    private readonly view: View,
    private readonly selection: Selection,
  ) {
    const button = (detail: Detail, label: string) =>
      html("button", { class: "segment", click: () => this.#show(detail) }, label);
    this.#switch = { layers: button("layers", "Layers"), kernels: button("kernels", "Kernels") };
    const tool = (label: string, hint: string, act: () => void) => html("button", { title: hint, click: act }, label);
    this.element = html(
      "section",
      { class: "tab-graph" },
      html(
        "div",
        { class: "tools" },
        html("span", { class: "segments" }, this.#switch.layers, this.#switch.kernels),
        tool("+", "nearer (wheel)", () => this.#panZoom.zoom(1.3)),
        tool("−", "farther (wheel)", () => this.#panZoom.zoom(1 / 1.3)),
        tool("Fit", "all of it", () => this.#panZoom.fitWhole(this.#drawn!.drawing.bounds)),
        legend(view, "phase"),
        html(
          "span",
          { class: "hint" },
          view.report.measured ? "bars: share of the step's time" : "bars: share of the step's operations",
        ),
      ),
      this.#frame,
    );
  }

  shown(): void {
    if (!this.#drawn) this.#show(this.#detail);
    else this.changed();
  }

  /** Marks what is selected, and what it is linked with. */
  changed(): void {
    if (!this.#drawn) return;
    const { boxes, links, drawing } = this.#drawn;
    const steps = new Set(this.#selectedSteps());
    const values = new Set(this.selection.selected?.kind === "value" ? [this.selection.selected.number] : []);
    const mark = (element: Element, on: boolean) => element.classList.toggle("selected", on);
    drawing.boxes.forEach((box, i) => {
      mark(boxes[i], this.selection.is(box.selects.kind, box.selects.number) || box.steps.some((s) => steps.has(s)));
      box.rows.forEach((row, r) => {
        const chosen = this.selection.is(row.selects.kind, row.selects.number);
        mark(boxes[i].querySelectorAll(".row")[r], chosen);
      });
    });
    drawing.links.forEach((link, i) =>
      mark(
        links[i],
        link.values.some((v) => values.has(v)) ||
          link.steps.some((s) => steps.has(s) && drawing === this.#drawings.get("kernels")),
      ),
    );
    this.#frame.classList.toggle("some", steps.size + values.size > 0);
    const first = drawing.boxes.find((box, i) => boxes[i].classList.contains("selected") && box);
    if (first) this.#panZoom.reveal(first);
  }

  #selectedSteps(): readonly number[] {
    const { selected } = this.selection;
    if (!selected) return [];
    const { kind, number } = selected;
    if (kind === "step") return [number];
    if (kind === "node") return this.view.stepsOfNode[number];
    return kind === "layer" ? this.view.stepsOfLayer[number] : [];
  }

  #show(detail: Detail): void {
    this.#detail = detail;
    for (const [name, button] of Object.entries(this.#switch)) button.classList.toggle("on", name === detail);
    let drawing = this.#drawings.get(detail);
    if (!drawing) {
      drawing = detail === "layers" ? layerDrawing(this.view) : kernelDrawing(this.view);
      this.#drawings.set(detail, drawing);
    }
    const links = drawing.links.map((link) => this.#link(link));
    const boxes = drawing.boxes.map((box) => this.#box(box));
    const content = svg("g", {}, ...links, ...boxes);
    this.#frame.replaceChildren(svg("defs", {}, arrowHead()), content);
    this.#panZoom = new PanZoom(this.#frame, content);
    this.#frame.classList.toggle("many", this.view.report.steps.length > fewKernels);
    this.#drawn = { boxes, links, drawing };
    this.#panZoom.fit(drawing.bounds, drawing.boxes[0]);
    this.changed();
  }

  #box(box: DrawnBox): SVGGElement {
    const { x, y, width, height, title, subtitle, hint, phase, rows } = box;
    const select = (event: Event, { selects }: Pick<DrawnBox, "selects">) => {
      event.stopPropagation();
      this.selection.select(selects.kind, selects.number);
    };
    return svg(
      "g",
      { class: `box ${phase ?? ""}`, transform: `translate(${x} ${y})`, click: (event) => select(event, box) },
      svg("rect", { class: "body", width, height, rx: 5 }),
      phase && svg("path", { class: `edge fill-${phase}`, d: `M0 5 a5 5 0 0 1 5 -5 v${height} a5 5 0 0 1 -5 -5 z` }),
      svg("text", { class: "title", x: 10, y: 15 }, title),
      svg("text", { class: "subtitle", x: 10, y: 28 }, subtitle),
      svg("title", {}, hint),
      ...rows.map((row) =>
        svg(
          "g",
          { class: "row", transform: `translate(${row.x} ${row.y})`, click: (event) => select(event, row) },
          svg("rect", { class: "back", width: row.width, height: row.height, rx: 3 }),
          svg("rect", { class: `share fill-${row.phase}`, width: row.width * row.share, height: row.height, rx: 3 }),
          svg("rect", { class: `fill-${row.phase}`, width: 3, height: row.height, rx: 1 }),
          svg("text", { x: 8, y: rowHeight - 6 }, row.text),
          svg("text", { class: "detail", x: row.width - 6, y: rowHeight - 6 }, row.detail),
          svg("title", {}, row.hint),
        ),
      ),
    );
  }

  #link({ path, label, text, hint, kind, values }: DrawnLink): SVGGElement {
    const shown = kind !== "saved";
    return svg(
      "g",
      { class: `link ${kind}`, click: () => this.selection.select("value", values[0]) },
      svg("path", { class: "line", d: path, "marker-end": "url(#head)" }),
      svg("path", { class: "grip", d: path }),
      shown && text && svg("text", { x: label.x, y: label.y + 4 }, text),
      svg("title", {}, hint),
    );
  }
}

/** In the colour of its line. */
const arrowHead = () =>
  svg(
    "marker",
    {
      id: "head",
      viewBox: "0 0 8 8",
      refX: 7,
      refY: 4,
      markerWidth: 8,
      markerHeight: 8,
      markerUnits: "userSpaceOnUse",
      orient: "auto",
    },
    svg("path", { d: "M0 0.5 L8 4 L0 7.5 z", fill: "context-stroke" }),
  );
