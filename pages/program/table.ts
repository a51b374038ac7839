/** The tab of the kernels: every dispatch in a table, sorted by what is clicked. */
import { html } from "../elements.ts";
import { amount, bytes, milliseconds, short } from "./format.ts";
import type { Selection } from "./selection.ts";
import type { Tab } from "./tabs.ts";
import type { View } from "./view.ts";

interface Column {
  readonly title: string;
  readonly value: (i: number) => number | string;
  readonly text?: (i: number) => string;
}

export class TableTab implements Tab {
  readonly name = "kernels";
  readonly title = "Kernels";
  readonly element = html("section", { class: "tab-table" });
  readonly #columns: readonly Column[];
  #sorted = 0;
  #down = false;
  #rows: HTMLElement[] = [];

  constructor(
    private readonly view: View,
    private readonly selection: Selection,
  ) {
    const { report } = view;
    const step = view.step;
    const rate = (i: number) => step(i).operations / report.measured!.ms[i] / 1e6;
    this.#columns = [
      { title: "#", value: (i) => i },
      { title: "kernel", value: (i) => step(i).name },
      { title: "layer", value: (i) => step(i).layer, text: (i) => report.layers[step(i).layer].name },
      { title: "phase", value: (i) => step(i).phase },
      ...(report.measured
        ? [
            {
              title: "time",
              value: (i: number) => report.measured!.ms[i],
              text: (i: number) => milliseconds(report.measured!.ms[i]),
            },
            { title: "GFLOP/s", value: rate, text: (i: number) => short(rate(i)) },
          ]
        : []),
      { title: "operations", value: (i) => step(i).operations, text: (i) => amount(step(i).operations, "FLOP") },
      { title: "bytes", value: (i) => step(i).bytes, text: (i) => bytes(step(i).bytes) },
      {
        title: "FLOP/byte",
        value: (i) => step(i).operations / step(i).bytes,
        text: (i) => short(step(i).operations / step(i).bytes),
      },
      { title: "algorithm", value: (i) => step(i).algorithm, text: (i) => step(i).algorithm.split(", error")[0] },
    ];
  }

  shown(): void {
    if (this.#rows.length === 0) this.#draw();
    this.changed();
  }

  changed(): void {
    for (const row of this.#rows) {
      const on = this.selection.is("step", Number(row.dataset.step));
      row.classList.toggle("selected", on);
      if (on && this.selection.tab === this.name) row.scrollIntoView({ block: "nearest" });
    }
  }

  #draw(): void {
    const { value } = this.#columns[this.#sorted];
    const order = this.view.report.steps.map((_, i) => i);
    order.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      const by = typeof x === "number" ? x - (y as number) : x.localeCompare(y as string);
      return (this.#down ? -by : by) || a - b;
    });
    this.#rows = order.map((i) =>
      html(
        "tr",
        { "data-step": i, click: () => this.selection.select("step", i) },
        ...this.#columns.map(({ value, text }) => {
          const content = text ? text(i) : value(i);
          const number =
            typeof value(i) === "number" && text?.(i) !== this.view.report.layers[this.view.step(i).layer].name;
          return html("td", { class: number ? "number" : "" }, content);
        }),
      ),
    );
    const heads = this.#columns.map(({ title }, c) =>
      html(
        "th",
        {},
        html("button", { click: () => this.#sort(c) }, title, c === this.#sorted ? (this.#down ? " ↓" : " ↑") : ""),
      ),
    );
    this.element.replaceChildren(
      html(
        "table",
        { class: "kernels" },
        html("thead", {}, html("tr", {}, ...heads)),
        html("tbody", {}, ...this.#rows),
      ),
    );
    this.changed();
  }

  #sort(column: number): void {
    this.#down =
      column === this.#sorted ? !this.#down : typeof this.#columns[column].value(0) === "number" && column > 3;
    this.#sorted = column;
    this.#draw();
  }
}
