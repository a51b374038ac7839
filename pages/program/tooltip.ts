/** A few lines beside the pointer. */
import { html } from "../elements.ts";

export class Tooltip {
  readonly element = html("div", { class: "tooltip", role: "status", hidden: true });

  show({ clientX, clientY }: PointerEvent, lines: readonly string[]): void {
    this.element.replaceChildren(...lines.map((line) => html("div", {}, line)));
    this.element.hidden = false;
    const { offsetWidth, offsetHeight } = this.element;
    this.element.style.left = `${Math.min(clientX + 14, innerWidth - offsetWidth - 8)}px`;
    this.element.style.top = `${Math.min(clientY + 14, innerHeight - offsetHeight - 8)}px`;
  }

  hide(): void {
    this.element.hidden = true;
  }
}
