/** The panel beside the pictures: what is selected, from its line in the model file down to its kernel's text. */
import type { Place, ReportStep } from "../../cli/report/data.ts";
import { html } from "../elements.ts";
import { code, sourceFile } from "./code.ts";
import { amount, bytes, milliseconds, percent, short } from "./format.ts";
import { stepLabel } from "./graph/layerGraph.ts";
import type { Selection } from "./selection.ts";
import type { View } from "./view.ts";

type Content = (Node | null)[];

export class Details {
  readonly element = html("aside", { class: "details", "aria-label": "details" });

  constructor(
    private readonly view: View,
    private readonly selection: Selection,
  ) {
    selection.onChange(() => this.#render());
    this.#render();
  }

  #render(): void {
    const { selected } = this.selection;
    const content: Content = [];
    if (!selected) content.push(...this.#whole());
    else if (selected.kind === "step") content.push(...this.#step(selected.number));
    else if (selected.kind === "node") content.push(...this.#node(selected.number));
    else if (selected.kind === "layer") content.push(...this.#layer(selected.number));
    else if (selected.kind === "value") content.push(...this.#value(selected.number));
    this.element.replaceChildren(...content.filter((node) => node !== null));
    this.element.scrollTop = 0;
  }

  // ---------------------------------------------------------------- what may be selected

  /** Nothing is selected: the model file. */
  #whole(): Content {
    return [
      html("h2", {}, "Model file"),
      html("p", { class: "quiet" }, "Click a kernel, an op, a tensor or a layer. / searches, Escape goes back here."),
      ...this.view.report.files.flatMap(({ path, text }) => [html("h3", {}, path), sourceFile(text, [])]),
    ];
  }

  #step(i: number): Content {
    const { view } = this;
    const step = view.step(i);
    const { measured, codes, layers } = view.report;
    if (step.copy)
      return [
        this.#title(step.name, ["copy", step.phase]),
        html("p", {}, "The tensor is copied into a texture, which the kernels that follow read."),
        this.#facts([
          ["dispatch", i],
          ["layer", this.#link("layer", step.layer, layers[step.layer].name)],
        ]),
        ...this.#traffic(step),
      ];
    const { operations, executedOperations } = step;
    const ms = measured?.ms[i];
    const kernelCode = codes[step.code!];
    return [
      this.#title(step.name, [step.phase, ...(step.algorithm === "direct" ? [] : [step.algorithm])]),
      this.#facts([
        ["dispatch", `${i} of ${view.report.steps.length}`],
        ["layer", this.#link("layer", step.layer, layers[step.layer].name)],
        ["ops", step.ops.join(", ")],
        ["workgroups", `${step.workgroups.join(" × ")}, of ${step.workgroupSize}`],
        ["operations", amount(operations, "FLOP")],
        ["executed", executedOperations === operations ? null : amount(executedOperations, "FLOP")],
        ["read and written", bytes(step.bytes)],
        ["intensity", `${short(operations / step.bytes)} FLOP/byte`],
        ["time", ms === undefined ? null : `${milliseconds(ms)}, ${short(operations / ms / 1e6)} GFLOP/s`],
        ["of the ceiling", ms === undefined ? null : percent(operations / ms / 1e6, measured!.peakGflops)],
      ]),
      ...this.#source(step.places),
      this.#section("Ops of the graph", "ops", ...step.nodes.map((n) => this.#op(n))),
      ...this.#traffic(step),
      this.#section(
        "Index expressions",
        "expr",
        code(step.definitions.map((range) => view.part("definitions", range)).join("\n")),
      ),
      this.#section("Fused group", "fused", code(view.part("groups", step.group!))),
      this.#section(
        "Schedule",
        "schedule",
        this.#facts(Object.entries(step.schedule).map(([name, value]) => [name, String(value)])),
      ),
      this.#section("Loop nest", "kernel", code(view.part("kernels", step.kernel!)), false),
      this.#section(
        kernelCode.file.endsWith(".wat") ? "WebAssembly" : "WGSL",
        "code",
        html("div", {}, html("p", { class: "quiet" }, kernelCode.file), code(view.lines(kernelCode.text).join("\n"))),
      ),
    ];
  }

  #node(n: number): Content {
    const { op, phase, layer, inputs, outputs } = this.view.report.nodes[n];
    const steps = this.view.stepsOfNode[n];
    const { place, name } = this.view.report.layers[layer];
    return [
      this.#title(op, [phase]),
      this.#facts([["layer", this.#link("layer", layer, name)]]),
      ...this.#source(place ? [place] : []),
      this.#section("Op of the graph", "ops", this.#op(n)),
      this.#section("Takes", "inputs", this.#tensors(inputs)),
      this.#section("Gives", "outputs", this.#tensors(outputs)),
      this.#kernels("Computed in", steps),
      ...(steps.length === 1 ? [html("hr"), ...this.#step(steps[0])] : []),
    ];
  }

  #layer(layer: number): Content {
    const { view } = this;
    const { name, op, place } = view.report.layers[layer];
    const nodes = view.report.nodes.flatMap((node, n) => (node.layer === layer ? [n] : []));
    const steps = view.stepsOfLayer[layer];
    const elsewhere = [...new Set(nodes.flatMap((n) => view.stepsOfNode[n]))].filter((i) => !steps.includes(i));
    const ms = (phase: "forward" | "back") =>
      steps.reduce(
        (sum, i) =>
          sum + ((view.step(i).phase === "forward") === (phase === "forward") ? view.report.measured!.ms[i] : 0),
        0,
      );
    return [
      this.#title(name, [op]),
      this.#facts([
        [
          "operations",
          amount(
            steps.reduce((sum, i) => sum + view.step(i).operations, 0),
            "FLOP",
          ),
        ],
        ["forward", view.report.measured ? milliseconds(ms("forward")) : null],
        ["backward", view.report.measured ? milliseconds(ms("back")) : null],
      ]),
      ...this.#source(place ? [place] : []),
      this.#kernels("Kernels", steps),
      elsewhere.length > 0 ? this.#kernels("Fused into kernels of other layers", elsewhere) : null,
      this.#section("Ops of the graph", "ops", ...nodes.map((n) => this.#op(n))),
    ];
  }

  #value(v: number): Content {
    const { view } = this;
    const { name, type, kind, bytes: size, layer, buffer, texture } = view.value(v);
    const life = buffer ?? texture;
    const { arenas } = view.report.plan;
    const writer = view.writer[v];
    return [
      this.#title(`%${name}`, [kind]),
      this.#facts([
        ["type", type],
        ["bytes", bytes(size)],
        ["layer", layer === null ? null : this.#link("layer", layer, view.report.layers[layer].name)],
        ["place", placeOf(view, v)],
        ["offset", buffer ? `${buffer.offset}${arenas.length > 1 ? ` over ${arenas.length} GPU buffers` : ""}` : null],
        ["lives", life ? `dispatches ${life.start} to ${life.end - 1}` : null],
      ]),
      life
        ? html("p", {}, html("button", { click: () => this.selection.select("value", v, "memory") }, "Show in memory"))
        : null,
      this.#kernels("Written by", writer === undefined ? [] : [writer]),
      this.#kernels("Read by", view.readers[v]),
    ];
  }

  // ---------------------------------------------------------------- parts

  #title(text: string, badges: readonly string[]): HTMLElement {
    return html("h2", {}, text, " ", ...badges.map((badge) => html("span", { class: `badge text-${badge}` }, badge)));
  }

  #facts(rows: readonly (readonly [string, string | number | Node | null])[]): HTMLElement {
    const shown = rows.flatMap(([name, value]) =>
      value === null ? [] : [html("dt", {}, name), html("dd", {}, value)],
    );
    return html("dl", { class: "facts" }, ...shown);
  }

  #section(title: string, name: string, ...content: HTMLElement[]): HTMLElement;
  #section(title: string, name: string, content: HTMLElement, open: boolean): HTMLElement;
  #section(title: string, name: string, ...content: (HTMLElement | boolean)[]): HTMLElement {
    const open = content[content.length - 1] !== false;
    const elements = content.filter((c): c is HTMLElement => typeof c !== "boolean");
    return html("details", { class: `section section-${name}`, open }, html("summary", {}, title), ...elements);
  }

  /** The lines of the model file, of each file one picture. */
  #source(places: readonly Place[]): Content {
    return [...new Set(places.map(({ file }) => file))].flatMap((file) => {
      const lines = [...new Set(places.filter((p) => p.file === file).map(({ line }) => line))];
      const text = this.view.report.files.find(({ path }) => path === file)!.text;
      return [
        html(
          "details",
          { class: "section section-source", open: true },
          html("summary", {}, lines.map((line) => `${file}:${line}`).join(", ")),
          sourceFile(text, lines),
        ),
      ];
    });
  }

  #op(n: number): HTMLElement {
    const { line } = this.view.report.nodes[n];
    const text = this.view.part("nodes", [line, line + 1]);
    return html("div", { class: "op", click: () => this.selection.select("node", n) }, code(text));
  }

  #traffic(step: ReportStep): Content {
    return [
      this.#section("Reads", "reads", this.#tensors(step.reads)),
      this.#section("Writes", "writes", this.#tensors(step.writes)),
    ];
  }

  #tensors(values: readonly number[]): HTMLElement {
    return html(
      "table",
      { class: "tensors" },
      ...values.map((v) => {
        const { name, type, kind } = this.view.value(v);
        return html(
          "tr",
          {},
          html("td", {}, html("i", { class: `swatch fill-${kind}`, title: kind })),
          html("td", {}, this.#link("value", v, `%${name}`)),
          html("td", {}, type),
          html("td", { class: "quiet" }, placeOf(this.view, v)),
        );
      }),
    );
  }

  #kernels(title: string, steps: readonly number[]): HTMLElement | null {
    if (steps.length === 0) return null;
    const { measured } = this.view.report;
    const rows = steps.map((i) =>
      html(
        "tr",
        {},
        html("td", { class: "quiet number" }, i),
        html("td", {}, html("i", { class: `swatch fill-${this.view.step(i).phase}` })),
        html(
          "td",
          {},
          this.#link("step", i, stepLabel(this.view, i)),
          html("div", { class: "quiet" }, this.view.step(i).name),
        ),
        html(
          "td",
          { class: "number" },
          measured ? milliseconds(measured.ms[i]) : amount(this.view.step(i).operations, "FLOP"),
        ),
      ),
    );
    return this.#section(title, "kernels", html("table", { class: "tensors" }, ...rows));
  }

  #link(kind: "step" | "value" | "layer", number: number, text: string): HTMLElement {
    return html("button", { class: "link", click: () => this.selection.select(kind, number) }, text);
  }
}

function placeOf({ report }: View, v: number): string {
  const { kind, buffer, texture } = report.values[v];
  if (buffer) return "arena";
  if (texture) return `GPU texture ${texture.gpuTexture}`;
  if (kind === "parameter" || kind === "velocity" || kind === "statistic") return "state";
  return kind === "labels" ? "labels" : "not stored";
}
