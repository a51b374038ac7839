/** A suite's result as Markdown. */
import { markdownTable } from "markdown-table";
import type { Cell, SuiteName, SuiteResult, Table } from "../suite.ts";
import { describeMachine, type Machine } from "./machine.ts";

export function toMarkdown(suite: SuiteName, result: SuiteResult, machine: Machine): string {
  const parts = [
    `# ${suite}`,
    describeMachine(machine),
    ...result.summary,
    ...result.tables.flatMap((table) => [`## ${table.title}`, tableToMarkdown(table)]),
    ...result.charts.map(({ name, title }) => `![${title}](${chartFile(suite, name)})`),
  ];
  return `${parts.join("\n\n")}\n`;
}

export const chartFile = (suite: SuiteName, chart: string): string => `${suite}-${chart}.svg`;

function tableToMarkdown({ columns, rows }: Table): string {
  const isNumber = columns.map((_, c) => rows.some((row) => typeof row[c] === "number"));
  const text = (cell: Cell, digits = 0) =>
    cell === null
      ? ""
      : typeof cell === "number"
        ? cell.toFixed(digits)
        : cell.replaceAll("|", "\\|").replaceAll("\n", " ");
  return markdownTable(
    [columns.map(({ title }) => title), ...rows.map((row) => row.map((cell, c) => text(cell, columns[c].digits)))],
    {
      align: isNumber.map((number) => (number ? "right" : "left")),
    },
  );
}
