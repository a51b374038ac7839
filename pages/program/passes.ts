/** The tab of the passes: what each made of the program, and what it changed. */

import { html } from "../elements.ts";
import { coloured } from "./code.ts";
import { type Difference, difference, type Entry, type Line } from "./diff.ts";
import type { Selection } from "./selection.ts";
import type { Tab } from "./tabs.ts";
import type { View } from "./view.ts";

type Mode = "unified" | "split" | "whole";

/** So many unchanged lines are shown around a change. */
const context = 3;
/** A text of another language has nothing in common with the one before. */
const mostEntries = 6000;

export class PassesTab implements Tab {
  readonly name = "passes";
  readonly title = "Passes";
  readonly element: HTMLElement;
  readonly #list = html("ol", { class: "passes", start: 0 });
  readonly #head = html("header", {});
  readonly #text = html("div", { class: "pass-text", tabindex: 0 });
  readonly #differences = new Map<number, Difference | null>();
  readonly #modes: Record<Mode, HTMLButtonElement>;
  #mode: Mode = "unified";
  #items: HTMLElement[] = [];

  constructor(
    private readonly view: View,
    private readonly selection: Selection,
  ) {
    const button = (mode: Mode, label: string) =>
      html("button", { class: "segment", click: () => this.#setMode(mode) }, label);
    this.#modes = {
      unified: button("unified", "Changes"),
      split: button("split", "Side by side"),
      whole: button("whole", "Whole text"),
    };
    this.element = html(
      "section",
      { class: "tab-passes" },
      html("nav", {}, this.#list),
      html("div", { class: "pass" }, this.#head, this.#text),
    );
  }

  shown(): void {
    if (this.#items.length === 0) this.#fillList();
    this.changed();
  }

  changed(): void {
    const { selected } = this.selection;
    if (this.selection.tab === this.name && this.#items.length > 0)
      this.#show(selected?.kind === "pass" ? selected.number : 0);
  }

  #fillList(): void {
    this.#items = this.view.report.passes.map(({ name, summary, stage }, i) => {
      const difference = this.#difference(i);
      const unchanged = i > 0 && difference !== null && difference.entries.every(({ kind }) => kind === "same");
      const counts = unchanged ? "unchanged" : difference ? countsOf(difference) : stage;
      return html(
        "li",
        { class: unchanged ? "unchanged" : "" },
        html(
          "button",
          { click: () => this.selection.select("pass", i) },
          html("span", { class: "row" }, html("b", {}, name), html("span", { class: "counts" }, counts)),
          html("span", { class: "quiet" }, summary),
        ),
      );
    });
    this.#list.replaceChildren(...this.#items);
  }

  /** Null where there is nothing to compare with: the first text, or one in the language of another stage. */
  #difference(i: number): Difference | null {
    const known = this.#differences.get(i);
    if (known !== undefined) return known;
    const { passes } = this.view.report;
    const comparable = i > 0 && sameLanguage(passes[i - 1].stage, passes[i].stage);
    const found = comparable ? difference(this.view.lines(passes[i - 1].text), this.view.lines(passes[i].text)) : null;
    this.#differences.set(i, found);
    return found;
  }

  #setMode(mode: Mode): void {
    this.#mode = mode;
    this.changed();
  }

  #show(i: number): void {
    const pass = this.view.report.passes[i];
    const found = this.#difference(i);
    const mode = found ? this.#mode : "whole";
    this.#items.forEach((item, n) => item.classList.toggle("selected", n === i));
    for (const [name, button] of Object.entries(this.#modes)) {
      button.classList.toggle("on", name === mode);
      button.disabled = !found && name !== "whole";
    }
    const { length } = this.view.lines(pass.text);
    this.#head.replaceChildren(
      html("h2", {}, `${String(i).padStart(2, "0")} ${pass.name}`),
      html("span", { class: "quiet" }, `${pass.stage}, ${length} lines`),
      html("span", { class: "segments" }, ...Object.values(this.#modes)),
    );
    this.#text.replaceChildren(mode === "whole" ? wholeText(this.view.lines(pass.text)) : changes(found!, mode));
    this.#text.scrollTop = 0;
  }
}

/** The graph and the joint graph are written alike. */
const sameLanguage = (a: string, b: string): boolean =>
  a === b || (["graph", "joint"].includes(a) && ["graph", "joint"].includes(b));

function countsOf({ removed, added, moved }: Difference): string {
  const parts = [added > 0 && `+${added}`, removed > 0 && `−${removed}`, moved > 0 && `${moved} moved`];
  return parts.filter(Boolean).join(" ");
}

function wholeText(lines: readonly string[]): HTMLElement {
  const numbers = lines.map((_, i) => i + 1).join("\n");
  // Colours cost an element a token: a long text goes without.
  const text = lines.length > 3000 ? document.createTextNode(lines.join("\n")) : coloured(lines.join("\n"));
  return html(
    "div",
    { class: "whole" },
    html("pre", { class: "numbers", "aria-hidden": "true" }, numbers),
    html("pre", { class: "code" }, text),
  );
}

function changes({ entries }: Difference, mode: "unified" | "split"): HTMLElement {
  if (entries.every(({ kind }) => kind === "same"))
    return html("p", { class: "quiet nothing" }, "Unchanged: the text is that of the pass before.");
  const near = entries.map(() => false);
  entries.forEach(({ kind }, i) => {
    if (kind !== "same")
      for (let n = Math.max(0, i - context); n <= i + context && n < near.length; n++) near[n] = true;
  });
  const rows: HTMLElement[] = [];
  let skipped = 0;
  const skip = () => {
    if (skipped > 0)
      rows.push(
        html("tr", { class: "skip" }, html("td", { colspan: 4 }, html("span", {}, `${skipped} lines unchanged`))),
      );
    skipped = 0;
  };
  let pending: Line[] = [];
  const pair = () => {
    if (mode === "split") rows.push(...sideBySide(pending));
    pending = [];
  };
  entries.forEach((entry, i) => {
    if (rows.length > mostEntries) return;
    if (!near[i]) {
      pair();
      skipped++;
      return;
    }
    skip();
    if (mode === "unified") rows.push(unifiedRow(entry));
    else if (entry.kind === "moved") {
      pair();
      rows.push(unifiedRow(entry));
    } else if (entry.kind === "same") {
      pair();
      rows.push(...sideBySide([entry]));
    } else pending.push(entry);
  });
  pair();
  skip();
  if (rows.length > mostEntries)
    rows.push(
      html(
        "tr",
        { class: "skip" },
        html("td", { colspan: 4 }, html("span", {}, "The rest is left out: see the whole text.")),
      ),
    );
  return html("table", { class: `diff ${mode}` }, ...rows);
}

const signs = { same: " ", removed: "−", added: "+" };

function unifiedRow(entry: Entry): HTMLElement {
  if (entry.kind === "moved")
    return html(
      "tr",
      { class: "moved" },
      html("td", { colspan: 2, class: "number" }, entry.away ? "↷" : "↶"),
      html(
        "td",
        { colspan: 2 },
        `${entry.head.replace(/ \{$/, "")} … ${entry.away ? "stands elsewhere now" : "moved here"} (${entry.count} lines)`,
      ),
    );
  return html(
    "tr",
    { class: entry.kind },
    html("td", { class: "number" }, entry.before),
    html("td", { class: "number" }, entry.after),
    html("td", { class: "sign" }, signs[entry.kind]),
    html("td", { class: "text" }, entry.text),
  );
}

function sideBySide(lines: readonly Line[]): HTMLElement[] {
  const left = lines.filter(({ kind }) => kind !== "added");
  const right = lines.filter(({ kind }) => kind !== "removed");
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const cell = (line: Line | undefined, number: number | null | undefined) => [
      html("td", { class: "number" }, number),
      html("td", { class: `text ${line && line.kind !== "same" ? line.kind : ""}` }, line?.text),
    ];
    return html("tr", {}, ...cell(left[i], left[i]?.before), ...cell(right[i], right[i]?.after));
  });
}
