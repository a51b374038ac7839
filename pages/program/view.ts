/** A report with what the parts of the page look up in it. */
import type { LineRange, Report, ReportStep, ReportValue, Runs } from "../../cli/report/data.ts";

export class View {
  /** By value: the step that writes it, those that read it. */
  readonly writer: (number | undefined)[] = [];
  readonly readers: number[][];
  /** By layer, and by node. */
  readonly stepsOfLayer: number[][];
  readonly stepsOfNode: number[][];

  constructor(readonly report: Report) {
    this.readers = report.values.map(() => []);
    this.stepsOfLayer = report.layers.map(() => []);
    this.stepsOfNode = report.nodes.map(() => []);
    report.steps.forEach((step, i) => {
      for (const value of step.writes) this.writer[value] = i;
      for (const value of step.reads) this.readers[value].push(i);
      for (const node of step.nodes) this.stepsOfNode[node].push(i);
      this.stepsOfLayer[step.layer].push(i);
    });
  }

  /** The lines of a text, by number. */
  numbers(runs: Runs): number[] {
    const numbers: number[] = [];
    for (let i = 0; i < runs.length; i += 2) for (let n = 0; n < runs[i + 1]; n++) numbers.push(runs[i] + n);
    return numbers;
  }

  lines(runs: Runs): string[] {
    return this.numbers(runs).map((n) => this.report.lines[n]);
  }

  /** Lines of a pass's text. */
  part(pass: keyof Report["texts"], [from, to]: LineRange): string {
    return this.lines(this.report.passes[this.report.texts[pass]].text).slice(from, to).join("\n");
  }

  step = (i: number): ReportStep => this.report.steps[i];
  value = (i: number): ReportValue => this.report.values[i];

  /** What a kernel weighs: its time where there are times, else its operations. */
  weight = (i: number): number => this.report.measured?.ms[i] ?? this.step(i).operations;
}
