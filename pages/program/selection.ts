/** What is looked at, kept in the address: `#graph/step/12`. A page that is opened there shows it again. */

export type Kind = "step" | "value" | "layer" | "node" | "pass";

export interface Selected {
  readonly kind: Kind;
  readonly number: number;
}

const kinds: readonly string[] = ["step", "value", "layer", "node", "pass"];

export class Selection {
  tab: string;
  selected: Selected | null = null;
  readonly #listeners: (() => void)[] = [];

  constructor(
    private readonly tabs: readonly string[],
    readonly exists: (selected: Selected) => boolean,
  ) {
    this.tab = tabs[0];
    this.#read();
    addEventListener("hashchange", () => {
      this.#read();
      this.#tell();
    });
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  open(tab: string): void {
    this.#go(tab, this.selected);
  }

  /** In the tab at hand, or in another one. */
  select(kind: Kind, number: number, tab = this.tab): void {
    this.#go(tab, { kind, number });
  }

  clear(): void {
    this.#go(this.tab, null);
  }

  is(kind: Kind, number: number): boolean {
    return this.selected?.kind === kind && this.selected.number === number;
  }

  #go(tab: string, selected: Selected | null): void {
    this.tab = tab;
    this.selected = selected;
    history.replaceState(null, "", `#${tab}${selected ? `/${selected.kind}/${selected.number}` : ""}`);
    this.#tell();
  }

  #read(): void {
    const [tab, kind, number] = location.hash.slice(1).split("/");
    if (this.tabs.includes(tab)) this.tab = tab;
    const selected = { kind: kind as Kind, number: Number(number) };
    this.selected = kinds.includes(kind) && this.exists(selected) ? selected : null;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
