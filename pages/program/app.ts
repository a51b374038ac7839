/** The page: its tabs, the panel beside them, the search box, the keys. */
import type { Report } from "../../cli/report/data.ts";
import { pageData, unpack } from "../data.ts";
import { html } from "../elements.ts";
import { Details } from "./details.ts";
import { GraphTab } from "./graph.ts";
import { pageHead } from "./head.ts";
import { MemoryTab } from "./memory.ts";
import { PassesTab } from "./passes.ts";
import { Search } from "./search.ts";
import { type Selected, Selection } from "./selection.ts";
import { style } from "./style.ts";
import { TableTab } from "./table.ts";
import type { Tab } from "./tabs.ts";
import { View } from "./view.ts";

/** `more`: a tab beside the usual ones. */
export async function start(more: readonly ((view: View, selection: Selection) => Tab)[] = []): Promise<void> {
  const { packed } = pageData<{ readonly packed: string }>();
  const report = await unpack<Report>(packed);
  const view = new View(report);
  const names = ["graph", "passes", "memory", "kernels", ...(more.length > 0 ? ["times"] : [])];
  const sizes = {
    step: report.steps.length,
    value: report.values.length,
    layer: report.layers.length,
    node: report.nodes.length,
    pass: report.passes.length,
  };
  const exists = ({ kind, number }: Selected) => Number.isInteger(number) && number >= 0 && number < sizes[kind];
  const selection = new Selection(names, exists);
  const tabs: Tab[] = [
    new GraphTab(view, selection),
    new PassesTab(view, selection),
    new MemoryTab(view, selection),
    new TableTab(view, selection),
    ...more.map((make) => make(view, selection)),
  ];
  const search = new Search(view, selection);
  const details = new Details(view, selection);
  const buttons = tabs.map(({ name, title }, i) =>
    html("button", { role: "tab", "data-tab": name, title: `key ${i + 1}`, click: () => selection.open(name) }, title),
  );
  const main = html("main", {}, ...tabs.map(({ element }) => element), details.element);
  document.head.append(html("style", {}, style));
  document.body.append(
    pageHead(report, html("nav", { class: "tabs", role: "tablist" }, ...buttons), search.element),
    main,
  );

  let front: Tab | null = null;
  const show = () => {
    const next = tabs.find(({ name }) => name === selection.tab)!;
    if (next === front) {
      next.changed();
      return;
    }
    front = next;
    tabs.forEach((tab, i) => {
      tab.element.hidden = tab !== next;
      buttons[i].setAttribute("aria-selected", String(tab === next));
    });
    details.element.hidden = next.name === "passes";
    next.shown();
  };
  selection.onChange(show);
  show();
  document.addEventListener("keydown", (event) => onKey(event, tabs, selection, search));
  document.body.dataset.ready = "true";
}

/** `/` searches, Escape selects nothing, digits open tabs, arrows go through dispatches and passes. */
function onKey(event: KeyboardEvent, tabs: readonly Tab[], selection: Selection, search: Search): void {
  if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
  const { key } = event;
  const { selected } = selection;
  if (key === "/") {
    event.preventDefault();
    search.input.select();
  } else if (key === "Escape") selection.clear();
  else if (tabs[Number(key) - 1]) selection.open(tabs[Number(key) - 1].name);
  else if (key === "ArrowDown" || key === "ArrowUp") {
    if (selected?.kind !== "step" && selected?.kind !== "pass") return;
    const next = { kind: selected.kind, number: selected.number + (key === "ArrowDown" ? 1 : -1) };
    if (!selection.exists(next)) return;
    event.preventDefault();
    selection.select(next.kind, next.number);
  }
}
