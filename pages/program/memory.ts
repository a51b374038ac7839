/** The tab of the memory plan: time (dispatches) across, offset up, a rectangle a tensor. */
import { html, svg } from "../elements.ts";
import { bytes, shape } from "./format.ts";
import { legend } from "./legend.ts";
import { liveBytes } from "./liveBytes.ts";
import type { Selection } from "./selection.ts";
import type { Tab } from "./tabs.ts";
import { Tooltip } from "./tooltip.ts";
import type { View } from "./view.ts";

const margin = { left: 76, right: 16, top: 12, bottom: 46 };
const laneHeight = 16;

/** What is seen: dispatches and bytes. */
interface Window {
  readonly from: number;
  readonly to: number;
  readonly low: number;
  readonly high: number;
}

export class MemoryTab implements Tab {
  readonly name = "memory";
  readonly title = "Memory";
  readonly element: HTMLElement;
  readonly #frame = svg("svg", { class: "memory", tabindex: 0, role: "img", "aria-label": "memory plan over time" });
  readonly #tooltip = new Tooltip();
  readonly #all: Window;
  #window: Window;
  #byLayer = false;
  #rectangles = new Map<number, SVGElement>();

  constructor(
    private readonly view: View,
    private readonly selection: Selection,
  ) {
    const { steps, plan } = view.report;
    this.#all = { from: 0, to: Math.max(1, steps.length), low: 0, high: Math.max(1, plan.arenaBytes * 1.04) };
    this.#window = this.#all;
    const colours = html(
      "button",
      {
        click: () => {
          this.#byLayer = !this.#byLayer;
          colours.textContent = this.#byLayer ? "Colour by kind" : "Colour by layer";
          this.#draw();
        },
      },
      "Colour by layer",
    );
    this.element = html(
      "section",
      { class: "tab-memory" },
      html(
        "div",
        { class: "tools" },
        html(
          "button",
          {
            title: "all of it (double click); the wheel brings nearer, dragging moves",
            click: () => this.#look(this.#all),
          },
          "Fit",
        ),
        colours,
        legend(view, "kind"),
        html(
          "span",
          { class: "legend" },
          html("i", { class: "swatch line-live" }),
          " live bytes  ",
          html("i", { class: "swatch line-bound" }),
          " lower bound",
        ),
      ),
      this.#frame,
      this.#tooltip.element,
    );
    this.#listen();
    new ResizeObserver(() => this.selection.tab === this.name && this.#draw()).observe(this.#frame);
  }

  shown(): void {
    this.#draw();
  }

  changed(): void {
    this.#mark();
  }

  #look(window: Window): void {
    this.#window = window;
    this.#draw();
  }

  #textures(): number {
    return this.view.report.plan.gpuTextures.length;
  }

  #size() {
    const { clientWidth, clientHeight } = this.#frame;
    const lanes = this.#textures() > 0 ? this.#textures() * laneHeight + 22 : 0;
    return {
      width: Math.max(100, clientWidth - margin.left - margin.right),
      height: Math.max(100, clientHeight - margin.top - margin.bottom - lanes),
    };
  }

  #draw(): void {
    const { report } = this.view;
    const { width, height } = this.#size();
    const { from, to, low, high } = this.#window;
    const x = (time: number) => margin.left + ((time - from) / (to - from)) * width;
    const y = (offset: number) => margin.top + height - ((offset - low) / (high - low)) * height;
    this.#rectangles = new Map();
    const inside = svg("g", { "clip-path": "url(#plot)" });
    const below = svg("g", { "clip-path": "url(#times)" });

    report.values.forEach((value, v) => {
      const { buffer, texture, kind, layer, name } = value;
      const life = buffer ?? texture;
      if (!life) return;
      const left = x(life.start);
      const across = Math.max(0.5, x(life.end) - left - 0.5);
      const top = buffer ? y(buffer.offset + buffer.size) : margin.top + height + 62 + texture!.gpuTexture * laneHeight;
      const up = buffer ? Math.max(0.5, y(buffer.offset) - top - 0.5) : laneHeight - 3;
      const hue = layer === null ? 0 : (layer * 137.5) % 360;
      const rectangle = svg(
        "g",
        { class: "tensor", "data-value": v },
        svg("rect", {
          class: this.#byLayer ? "by-layer" : `fill-${kind}`,
          style: this.#byLayer ? `--hue: ${hue}` : null,
          x: left,
          y: top,
          width: across,
          height: up,
        }),
        across > 46 && up > 13
          ? svg(
              "text",
              { x: Math.max(left, margin.left) + 4, y: Math.max(top, margin.top) + 11 },
              fitted(`%${name}`, Math.min(across, x(to) - Math.max(left, margin.left)) - 8),
            )
          : null,
      );
      this.#rectangles.set(v, rectangle);
      (buffer ? inside : below).append(rectangle);
    });

    const live = liveBytes(report);
    const steps = live.map((n, i) => `${i === 0 ? "M" : "L"}${x(i)} ${y(n)}L${x(i + 1)} ${y(n)}`).join("");
    const bound = y(report.plan.lowerBoundBytes);
    const limits = report.plan.arenas
      .slice(0, -1)
      .map((_, i) => report.plan.arenas.slice(0, i + 1).reduce((a, b) => a + b, 0));
    inside.append(
      ...limits.flatMap((at, i) => [
        svg("path", { class: "arena", d: `M${x(from)} ${y(at)}H${x(to)}` }),
        svg("text", { class: "arena-name", x: x(to) - 6, y: y(at) - 4 }, `GPU buffer ${i + 1}`),
      ]),
      svg("path", { class: "live", d: steps }),
      svg("path", { class: "bound", d: `M${x(from)} ${bound}H${x(to)}` }),
    );
    const clip = (id: string, top: number, tall: number) =>
      svg("clipPath", { id }, svg("rect", { x: margin.left, y: top, width, height: tall }));
    this.#frame.replaceChildren(
      svg("defs", {}, clip("plot", margin.top, height), clip("times", 0, 10_000)),
      svg("rect", { class: "plot", x: margin.left, y: margin.top, width, height }),
      inside,
      below,
      this.#axes(x, y, width, height),
      svg("path", { class: "cursor" }),
    );
    this.#mark();
  }

  #axes(x: (time: number) => number, y: (offset: number) => number, width: number, height: number): SVGElement {
    const { from, to, low, high } = this.#window;
    const base = margin.top + height;
    const step = niceBytes((high - low) / Math.max(2, height / 60));
    const axes = svg("g", { class: "axes" });
    for (let at = Math.ceil(low / step) * step; at <= high; at += step)
      axes.append(
        svg("path", { class: "tick", d: `M${margin.left - 4} ${y(at)}h4` }),
        svg("text", { x: margin.left - 7, y: y(at) + 4, "text-anchor": "end" }, bytes(at)),
      );
    const every = niceCount((to - from) / Math.max(2, width / 70));
    for (let at = Math.ceil(from / every) * every; at <= to; at += every)
      axes.append(
        svg("path", { class: "tick", d: `M${x(at)} ${base + 8}v4` }),
        svg("text", { x: x(at), y: base + 23, "text-anchor": "middle" }, at),
      );
    // A strip under the plot: which phase each dispatch is of.
    this.view.report.steps.forEach(({ phase }, i) => {
      const [a, b] = [Math.max(x(i), margin.left), Math.min(x(i + 1), margin.left + width)];
      if (b > a) axes.append(svg("rect", { class: `fill-${phase}`, x: a, y: base + 1, width: b - a + 0.2, height: 5 }));
    });
    axes.append(
      svg("text", { class: "name", x: margin.left + width / 2, y: base + 40, "text-anchor": "middle" }, "dispatch"),
    );
    if (this.#textures() > 0)
      axes.append(svg("text", { class: "name", x: margin.left - 7, y: base + 74, "text-anchor": "end" }, "textures"));
    return axes;
  }

  #mark(): void {
    const { selected } = this.selection;
    const step = selected?.kind === "step" ? this.view.step(selected.number) : null;
    const chosen = new Set<number>(
      selected?.kind === "value" ? [selected.number] : step ? [...step.reads, ...step.writes] : [],
    );
    if (selected?.kind === "layer")
      this.view.report.values.forEach((value, v) => value.layer === selected.number && chosen.add(v));
    this.#frame.classList.toggle("some", chosen.size > 0);
    for (const [v, element] of this.#rectangles) element.classList.toggle("selected", chosen.has(v));
    const cursor = this.#frame.querySelector(".cursor");
    if (!cursor) return;
    const { width, height } = this.#size();
    const { from, to } = this.#window;
    const at = selected?.kind === "step" ? margin.left + ((selected.number + 0.5 - from) / (to - from)) * width : null;
    cursor.setAttribute("d", at !== null && at > margin.left ? `M${at} ${margin.top}v${height + 8}` : "");
  }

  // ---------------------------------------------------------------- pointer

  #listen(): void {
    const valueAt = (event: Event): number | null => {
      const element = (event.target as Element).closest("[data-value]");
      return element ? Number(element.getAttribute("data-value")) : null;
    };
    let dragged = 0;
    this.#frame.addEventListener("pointerdown", () => {
      dragged = 0;
    });
    this.#frame.addEventListener("pointermove", (event) => {
      if (event.buttons === 1) {
        dragged += Math.abs(event.movementX) + Math.abs(event.movementY);
        this.#tooltip.hide();
        this.#drag(event);
        return;
      }
      const v = valueAt(event);
      if (v === null) this.#tooltip.hide();
      else this.#tooltip.show(event, this.#describe(v));
    });
    this.#frame.addEventListener("pointerleave", () => this.#tooltip.hide());
    this.#frame.addEventListener("click", (event) => {
      const v = valueAt(event);
      if (dragged < 5 && v !== null) this.selection.select("value", v);
    });
    this.#frame.addEventListener("dblclick", () => this.#look(this.#all));
    this.#frame.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.#zoom(event);
      },
      { passive: false },
    );
  }

  #describe(v: number): readonly string[] {
    const { name, type, bytes: size, kind, buffer, texture } = this.view.value(v);
    const { start, end } = (buffer ?? texture)!;
    return [`%${name}`, shape(type), `${bytes(size)}, ${kind}`, `dispatches ${start} to ${end - 1}`];
  }

  #drag({ movementX, movementY }: PointerEvent): void {
    const { width, height } = this.#size();
    const { from, to, low, high } = this.#window;
    const dx = (-movementX / width) * (to - from);
    const dy = (movementY / height) * (high - low);
    this.#look(this.#within({ from: from + dx, to: to + dx, low: low + dy, high: high + dy }));
  }

  #zoom({ deltaY, offsetX, offsetY, shiftKey }: WheelEvent): void {
    const { width, height } = this.#size();
    const { from, to, low, high } = this.#window;
    const factor = Math.exp(deltaY / 400);
    const time = from + ((offsetX - margin.left) / width) * (to - from);
    const offset = low + (1 - (offsetY - margin.top) / height) * (high - low);
    const scale = (a: number, about: number) => about + (a - about) * factor;
    this.#look(
      this.#within({
        from: shiftKey ? from : scale(from, time),
        to: shiftKey ? to : scale(to, time),
        low: scale(low, offset),
        high: scale(high, offset),
      }),
    );
  }

  /** Nothing outside the plan is looked at, and never less than a dispatch. */
  #within({ from, to, low, high }: Window): Window {
    const all = this.#all;
    const span = (a: number, b: number, least: number, from: number, to: number) => {
      const size = Math.min(to - from, Math.max(least, b - a));
      const start = Math.min(Math.max(a, from), to - size);
      return [start, start + size] as const;
    };
    const [f, t] = span(from, to, 2, all.from, all.to);
    const [l, h] = span(low, high, 4096, all.low, all.high);
    return { from: f, to: t, low: l, high: h };
  }
}

const fitted = (text: string, width: number): string => {
  const most = Math.floor(width / 6.1);
  return text.length <= most ? text : most < 4 ? "" : `${text.slice(0, most - 1)}…`;
};

/** 1, 2, 5, 10, ... at least so much. */
export function niceCount(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= least)!;
}

/** A power of two of bytes, at least so much. */
const niceBytes = (least: number): number => 2 ** Math.ceil(Math.log2(Math.max(256, least)));
