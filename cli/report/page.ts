/** A report as one HTML file. */
import { htmlPage, pack } from "../page.ts";
import type { Report } from "./data.ts";

export function reportPage(report: Report): string {
  const { name, mode, batch, target } = report.model;
  return htmlPage(report.measured ? "measured" : "program", `${name} (${mode}, batch ${batch}, ${target})`, {
    packed: pack(report),
  });
}
