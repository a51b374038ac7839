/** The top of the page: what was compiled, and its figures. */
import type { Report } from "../../cli/report/data.ts";
import { html } from "../elements.ts";
import { amount, bytes, milliseconds } from "./format.ts";

export function pageHead(report: Report, tabs: HTMLElement, search: HTMLElement): HTMLElement {
  const { model, plan, steps, measured } = report;
  const settings = Object.entries(model.settings).map(([name, value]) => `${name}=${value}`);
  const facts = [
    model.mode === "train" ? "training step" : "forward pass",
    `batch ${model.batch}`,
    `target ${model.target}`,
    `algorithm ${model.algorithm}`,
    ...settings,
  ];
  const ratio = plan.lowerBoundBytes === 0 ? 1 : plan.arenaBytes / plan.lowerBoundBytes;
  const operations = steps.reduce((sum, step) => sum + step.operations, 0);
  const figure = (name: string, value: string, hint = "") =>
    html("div", { class: "figure", title: hint }, html("b", {}, value), html("span", {}, name));
  return html(
    "header",
    { class: "top" },
    html("div", { class: "who" }, html("h1", {}, model.name), html("p", {}, facts.join(", "))),
    html(
      "div",
      { class: "figures" },
      measured &&
        figure(
          model.mode === "train" ? "a step" : "a forward pass",
          milliseconds(measured.stepMs ?? measured.forwardMs),
          measured.adapter,
        ),
      figure("arena", bytes(plan.arenaBytes), `lower bound ${plan.lowerBoundBytes} bytes`),
      figure("of the lower bound", `${ratio.toFixed(3)}×`),
      figure("state", bytes(plan.persistentBytes), "parameters, velocities, statistics"),
      figure("dispatches", String(steps.length)),
      figure("operations", amount(operations, "FLOP"), "of the kernels' definitions; a multiply-add counts two"),
    ),
    tabs,
    search,
    html("span", { class: "quiet by" }, model.compiler),
  );
}
