/** The search box: kernels, layers, ops and tensors by a part of their names. */
import { html } from "../elements.ts";
import type { Kind, Selection } from "./selection.ts";
import type { View } from "./view.ts";

interface Hit {
  readonly kind: Kind;
  readonly number: number;
  readonly text: string;
  readonly what: string;
}

const mostHits = 12;

export class Search {
  readonly input = html("input", {
    type: "search",
    placeholder: "Search (/)",
    "aria-label": "search",
    autocomplete: "off",
    spellcheck: "false",
  });
  readonly #list = html("ul", { class: "hits", hidden: true });
  readonly element = html("div", { class: "search" }, this.input, this.#list);
  readonly #all: readonly Hit[];
  #hits: readonly Hit[] = [];
  #at = 0;

  constructor(
    { report }: View,
    private readonly selection: Selection,
  ) {
    const hits = <T>(list: readonly T[], kind: Kind, what: string, text: (item: T) => string): Hit[] =>
      list.map((item, number) => ({ kind, number, what, text: text(item) }));
    this.#all = [
      ...hits(report.layers, "layer", "layer", ({ name }) => name),
      ...hits(report.steps, "step", "kernel", ({ name }) => name),
      ...hits(report.values, "value", "tensor", ({ name }) => `%${name}`),
    ];
    this.input.addEventListener("input", () => this.#find());
    this.input.addEventListener("blur", () => this.#close());
    this.input.addEventListener("keydown", (event) => this.#key(event));
  }

  #find(): void {
    const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = this.#all.filter(({ text }) => words.every((word) => text.toLowerCase().includes(word)));
    this.#hits = words.length === 0 ? [] : matches.slice(0, mostHits);
    this.#at = 0;
    this.#draw(matches.length - this.#hits.length);
  }

  #draw(more: number): void {
    const items = this.#hits.map((hit, i) =>
      html(
        "li",
        {
          class: i === this.#at ? "on" : "",
          // Before the box loses the keyboard, and the list closes.
          mousedown: (event) => {
            event.preventDefault();
            this.#take(hit);
          },
        },
        html("span", {}, hit.text),
        html("span", { class: "quiet" }, hit.what),
      ),
    );
    if (more > 0 && items.length > 0) items.push(html("li", { class: "quiet" }, `and ${more} more`));
    if (items.length === 0 && this.input.value.trim())
      items.push(html("li", { class: "quiet" }, "nothing has that name"));
    this.#list.replaceChildren(...items);
    this.#list.hidden = items.length === 0;
  }

  #key(event: KeyboardEvent): void {
    if (event.key === "Escape") {
      event.stopPropagation();
      this.#close();
      this.input.blur();
    } else if (event.key === "Enter" && this.#hits.length > 0) this.#take(this.#hits[this.#at]);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const { length } = this.#hits;
      if (length > 0) this.#at = (this.#at + (event.key === "ArrowDown" ? 1 : length - 1)) % length;
      [...this.#list.children].forEach((item, i) => item.classList.toggle("on", i === this.#at));
    }
  }

  #take({ kind, number }: Hit): void {
    this.input.blur();
    // Passes show no selection.
    this.selection.select(kind, number, this.selection.tab === "passes" ? "graph" : this.selection.tab);
  }

  #close(): void {
    this.#list.hidden = true;
  }
}
