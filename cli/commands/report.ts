import { Command } from "commander";
import { type ReportRequest, report } from "../dashboard/report.ts";
import { UsageError } from "../errors.ts";

export const reportCommand = () =>
  new Command("report")
    .description(
      "Writes the page of kiln train --dashboard as one HTML file: curves of one or several runs, from their logs.",
    )
    .argument("<log...>", "logs of kiln train --log")
    .option("-o, --output <file>", "where the page is written", "report.html")
    .option(
      "--weights <w>",
      "show the first convolution's filters: a weights file, a checkpoint, or a checkpoint folder (its newest)",
    )
    .option("--filters <png>", "write the filters of --weights as a PNG file too")
    .action(async (logs: string[], request: ReportRequest) => {
      if (request.filters !== undefined && request.weights === undefined)
        throw new UsageError("--filters needs --weights: the filters are those of a weights file or a checkpoint");
      await report(logs, request);
    });
